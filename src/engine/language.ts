export { LANGUAGES, type Language } from '../explain/language.js';
