import type { Command } from 'commander';
import { LANGUAGES, type Language } from '../engine/language.js';
import { flagError } from '../spec/parse/flag.js';

export interface LanguageFlags {
  lang?: string;
}

/** Adds the option for a language. */
export function addLanguage(command: Command): Command {
  return command.option('--lang <LANGUAGE>', 'en or zh (default: that of LC_ALL, LC_MESSAGES or LANG)');
}

/** The person's language. @throws FosterError for one that there is not */
export function languageOf({ lang }: LanguageFlags): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const wanted = lang ?? (LC_ALL || LC_MESSAGES || LANG || '').slice(0, 2).toLowerCase();
  const found = LANGUAGES.find((language) => language === wanted);
  if (found === undefined && lang !== undefined)
    throw flagError('--lang', lang, `expected ${LANGUAGES.join(' or ')}`);
  return found ?? 'en';
}
