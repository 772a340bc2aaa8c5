import { LabView } from '../../engine/views/lab.js';
import { type LanguageFlags, languageOf } from '../language.js';

/** How labs are shown in the person's language. */
export function viewOf(flags: LanguageFlags): LabView {
  return new LabView(languageOf(flags));
}
