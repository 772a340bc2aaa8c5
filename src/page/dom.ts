import { visible } from '../spec/parse/flag.js';

type Child = Node | string | undefined;

/** Attributes as in HTML; those that are undefined are left out. */
type Attributes = Record<string, string | number | boolean | undefined>;

/** Makes an element. Text, whoever wrote it, becomes text: nothing here parses HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** Like `element`, for parts of a picture. */
export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function filled<E extends Element>(made: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Text that a container, an image or a process has chosen: characters that cannot be seen, or turn others around, are escaped. */
export function plain(text: string): string {
  return visible(text);
}

/** The element of page.html with that id. */
export function part<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page.html has no #${id}`);
  return found as E;
}

/** Changes the text only if it is another, so that nothing is laid out again. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Gives an element other children, but keeps those that are the same, with what has the focus, is selected or unfolded in them. */
export function update(target: Element, ...fresh: Element[]): void {
  updateNodes(target, fresh);
}

function updateNodes(target: Element, fresh: readonly Node[]): void {
  const old = [...target.childNodes];
  for (const [index, node] of fresh.entries()) {
    const before = old[index];
    if (before === undefined) target.append(node);
    else if (!before.isEqualNode(node) && !updated(before, node)) before.replaceWith(node);
  }
  for (const node of old.slice(fresh.length)) node.remove();
}

/** @returns false if one cannot become the other */
function updated(old: Node, fresh: Node): boolean {
  if (!(old instanceof Element && fresh instanceof Element) || old.tagName !== fresh.tagName) return false;
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  updateNodes(old, [...fresh.childNodes]);
  return true;
}
