import type { Language } from '../../explain/language.js';
import type { Finding, Lab, Step } from '../../lab/lab.js';
import { WORDS } from '../../lab/messages.js';
import type { Output } from '../../lab/shell.js';
import { fill, type Text } from '../../lab/text.js';

export { WORDS };

/** A piece of what a lab says: how it is laid out is up to who prints it. */
export interface Block {
  kind: 'title' | 'heading' | 'prose' | 'item' | 'command' | 'output';
  text: string;
}

/** What `solve` has done. */
export interface Solution {
  step: Step;
  /** Steps that were done again, because what they had made was gone: their indexes, and what the commands have printed. */
  again: { index: number; outputs: Output[] }[];
  run: Output[];
  see: Output[];
  findings: Finding[];
}

type Values = Readonly<Record<string, string | number | Text>>;

/** Texts of labs in one language, as blocks. */
export class LabView {
  readonly #language: Language;

  constructor(language: Language) {
    this.#language = language;
  }

  text(text: Text, values: Values = {}): string {
    return fill(text, values)[this.#language];
  }

  heading(text: Text, values: Values = {}): Block {
    return { kind: 'heading', text: this.text(text, values) };
  }

  prose(text: Text, values: Values = {}): Block {
    return { kind: 'prose', text: this.text(text, values) };
  }

  story({ title, story }: Lab): Block[] {
    return [{ kind: 'title', text: this.text(title) }, this.prose(story)];
  }

  /** @param index of the step */
  question({ steps }: Lab, index: number): Block[] {
    const step = steps[index];
    if (step === undefined) return [];
    return [
      {
        kind: 'title',
        text: this.text(WORDS.step, { number: index + 1, count: steps.length, title: step.title }),
      },
      this.heading(WORDS.predict),
      this.prose(step.ask),
      ...step.choices.map(
        (choice, at): Block => ({
          kind: 'item',
          text: `${letterOf(at)}) ${this.text(choice)}`,
        }),
      ),
    ];
  }

  /** What is to be typed in a step. @param folder the lab's own, in which those of a lab with files run */
  commands({ files }: Lab, { run, see = [] }: Step, folder: string): Block[] {
    return [
      this.heading(WORDS.run),
      ...(files ? [commandBlock(`cd ${folder}`)] : []),
      ...run.map(commandBlock),
      ...(see.length > 0 ? [this.heading(WORDS.see), ...see.map(commandBlock)] : []),
    ];
  }

  outputs(outputs: readonly Output[]): Block[] {
    return outputs.flatMap(({ command, text, exitCode }) => [
      commandBlock(command),
      ...(text === '' ? [] : [{ kind: 'output' as const, text: text.replace(/\n$/, '') }]),
      ...(exitCode === 0
        ? []
        : [{ kind: 'output' as const, text: `(${this.text(WORDS.exitCode, { code: exitCode })})` }]),
    ]);
  }

  /** What was done for the learner. */
  solution({ again, run, see, findings }: Omit<Solution, 'step'>): Block[] {
    return [
      ...this.#again(again),
      this.heading(WORDS.run),
      ...this.outputs(run),
      ...(see.length > 0 ? [this.heading(WORDS.see), ...this.outputs(see)] : []),
      ...this.findings(findings),
    ];
  }

  #again(steps: readonly { index: number; outputs: Output[] }[]): Block[] {
    return steps.flatMap(({ index, outputs }) => [
      this.prose(WORDS.again, { number: index + 1 }),
      ...this.outputs(outputs),
    ]);
  }

  findings(findings: readonly Finding[]): Block[] {
    return [this.heading(WORDS.check), ...findings.map((finding) => this.#finding(finding))];
  }

  #finding({ isMet, what, found, want, from }: Finding): Block {
    const sentence = this.text(isMet ? WORDS.met : WORDS.unmet, { what, found, want });
    return { kind: 'item', text: from === undefined ? sentence : `${sentence} [${from}]` };
  }

  /** What has happened, and why. @param predicted the index of a choice */
  explanation({ choices, answer, why }: Step, predicted: number | null | undefined): Block[] {
    const values = {
      letter: letterOf(predicted ?? 0),
      answer: letterOf(answer),
      choice: choices[answer] ?? '',
    };
    const isPredicted = predicted !== null && predicted !== undefined;
    const verdict = predicted === answer ? WORDS.predictedRight : WORDS.predictedOther;
    return [
      this.heading(WORDS.why),
      this.prose(isPredicted ? verdict : WORDS.notPredicted, values),
      this.prose(why),
    ];
  }
}

/** `a` of the first choice. */
export function letterOf(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}

function commandBlock(command: string): Block {
  return { kind: 'command', text: `$ ${command}` };
}
