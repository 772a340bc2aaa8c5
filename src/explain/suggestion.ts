import { nearest } from '../spec/nearest.js';
import { LANGUAGES } from './language.js';
import { allTopics, spelled } from './topics.js';

/** More topics than these are not named. */
const MOST_TOPICS = 5;

/**
 * What may have been meant by a name that nothing has, as advice: topics that mention the word, or something with a similar name.
 * @param others names of containers, pods and whatever else can be explained
 * @returns undefined if nothing is similar
 */
export async function suggestion(word: string, others: readonly string[]): Promise<string | undefined> {
  const topics = await allTopics();
  const topicOf = new Map(
    topics.flatMap(({ name, aliases = [] }) => [name, ...aliases].map((one) => [spelled(one), name])),
  );
  const found = topics.filter((topic) =>
    [topic.manual, ...LANGUAGES.map((language) => [topic[language].summary, ...topic[language].text])]
      .flat()
      .some((text) => isMentioned(word, text)),
  );
  if (found.length > 0) {
    const names = found.slice(0, MOST_TOPICS).map(({ name }) => name);
    return `topics that mention it: ${names.join(', ')}`;
  }
  const similar = nearest(spelled(word), [...topicOf.keys(), ...others]);
  if (similar === undefined) return undefined;
  const topic = topicOf.get(similar);
  if (topic === undefined) return `did you mean ${similar}?`;
  return `did you mean ${topic}${spelled(topic) === similar ? '' : ` (${similar})`}?`;
}

/** Whether a text has it as a word of its own; Chinese has no spaces between words. */
function isMentioned(word: string, text: string): boolean {
  if (word === '') return false;
  if (/[^\p{ASCII}]/u.test(word)) return text.includes(word);
  return text
    .toLowerCase()
    .split(/[^\p{ASCII}]|[^\w-]/u)
    .includes(word.toLowerCase());
}
