export { SAVE_FORMATS } from '../image/archive/save-formats.js';
