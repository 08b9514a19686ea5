// Makes one element's children equal to a fragment's with as few changes as possible, so that a
// growing answer keeps the reader's selection, and the browser lays out only what is new.

export function morphChildren(target: Node, source: Node): void {
  let old = target.firstChild;
  let next = source.firstChild;
  while (next) {
    const following = next.nextSibling;
    if (!old) {
      target.appendChild(next);
    } else {
      const after = old.nextSibling;
      if (isAlike(old, next)) morphNode(old, next);
      else target.replaceChild(next, old);
      old = after;
    }
    next = following;
  }
  while (old) {
    const after = old.nextSibling;
    target.removeChild(old);
    old = after;
  }
}

function morphNode(old: Node, next: Node): void {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== next.nodeValue) growText(old as Text, next.nodeValue ?? "");
    return;
  }
  morphChildren(old, next);
}

/** Appending keeps a selection inside the text alive; setting it anew would not. */
function growText(text: Text, value: string): void {
  if (value.startsWith(text.data)) text.appendData(value.slice(text.data.length));
  else text.data = value;
}

function isAlike(a: Node, b: Node): boolean {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
  if (!(a instanceof Element) || !(b instanceof Element)) return true;
  if (a.attributes.length !== b.attributes.length) return false;
  return Array.from(a.attributes).every((attr) => b.getAttribute(attr.name) === attr.value);
}
