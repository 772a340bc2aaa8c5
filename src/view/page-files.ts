import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The page, as scripts/build.mjs makes it from src/page. */
export interface PageFiles {
  html: string;
  style: string;
  script: string;
}

export function readPageFiles(): PageFiles {
  const read = (name: string) => readFileSync(join(__dirname, 'view', name), 'utf8');
  return { html: read('page.html'), style: read('page.css'), script: read('page.js') };
}

/** What the page may load and do, of which it is itself the source. */
export function policy(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    // text is never parsed as HTML, not even by mistake
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const STYLE_LINK = '<link rel="stylesheet" href="page.css">';
const SCRIPT_LINK = '<script src="page.js" defer></script>';

/**
 * The page as a single file, up to the place where the data of a recording begins. The data can be of any length, even cut: what
 * a parser of HTML finds at the end of a file it takes as closed.
 */
export function selfContained({ html, style, script }: PageFiles): string {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy(hash(script), hash(style))}">`;
  const whole = html
    .replace('<meta charset="utf-8">', () => `<meta charset="utf-8">\n${meta}`)
    .replace(STYLE_LINK, () => `<style>${style}</style>`)
    .replace(SCRIPT_LINK, () => `<script>${script}</script>`);
  return `${whole.replace(/<\/body>\s*<\/html>\s*$/, '')}<script type="application/json" id="recording">\n`;
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
