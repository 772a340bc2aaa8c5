import type { Language } from '../explain/language.js';

/**
 * A text in every language; backquotes mark what one types. scripts/lab-texts.mjs records which English text each
 * translation was made from, and a test finds those that are older.
 */
export type Text = Readonly<Record<Language, string>>;

/** The same in every language: names and numbers. */
export function same(text: string | number): Text {
  return { en: String(text), zh: String(text) };
}

/** Replaces each `{NAME}` in a text. */
export function fill(text: Text, values: Readonly<Record<string, string | number | Text>>): Text {
  const filled = (language: Language) =>
    text[language].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === 'object' ? value[language] : String(value);
    });
  return { en: filled('en'), zh: filled('zh') };
}
