/**
 * @typedef {Node | string | number | null | undefined | false} Leaf
 * @typedef {Leaf | readonly (Leaf | readonly (Leaf | readonly Leaf[])[])[]} Child
 */

/**
 * A new element. Properties that begin with `on` listen, `class` and `data-…` and `aria-…` are
 * attributes, the others too unless they are booleans: `true` sets them, `false` leaves them out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children);
}

/**
 * A new SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, properties = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, unknown>} properties
 * @param {readonly Child[]} children
 */
function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), (event) => value(event));
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) append(element, child);
  return element;
}

/**
 * @param {Element} parent
 * @param {Child} children
 */
function append(parent, children) {
  if (children === null || children === undefined || children === false) return;
  if (children instanceof Node) parent.append(children);
  else if (typeof children === "object") { for (const child of children) append(parent, child); }
  else parent.append(String(children));
}

/**
 * Puts other children in the place of those that are there.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fillWith(parent, ...children) {
  parent.replaceChildren();
  for (const child of children) append(parent, child);
}

/**
 * The element that the page has by this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  return elementOf(id, HTMLElement);
}

/**
 * The element that the page has by this id, of this kind.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function elementOf(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no #${id}`);
  return found;
}

/**
 * @param {string} id
 */
export function formById(id) {
  return elementOf(id, HTMLFormElement);
}

/**
 * Shows or hides.
 * @param {HTMLElement} element
 * @param {boolean} visible
 */
export function show(element, visible = true) {
  element.hidden = !visible;
}

/**
 * What a form holds, without what is empty.
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function valuesOf(form) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim()) values[name] = value.trim();
  }
  return values;
}
