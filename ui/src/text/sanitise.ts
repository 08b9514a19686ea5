// The second wall between a model's words and the page: whatever the renderer made, only these tags
// and attributes reach the document. The Content-Security-Policy of the server is the third.

import DOMPurify from "dompurify";

const kTags = [
  "a", "b", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "i", "kbd", "li",
  "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th",
  "thead", "tr", "u", "ul",
];

const kClass = /^(?:hljs-[a-z_-]+|language-[a-z0-9+#._-]+|[a-z]+_{1,2})$/;

DOMPurify.addHook("uponSanitizeAttribute", (_node, attribute) => {
  if (attribute.attrName !== "class") return;
  const kept = attribute.attrValue.split(/\s+/).filter((name) => kClass.test(name));
  attribute.attrValue = kept.join(" ");
  attribute.keepAttr = kept.length > 0;
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A") return;
  if (!node.hasAttribute("href")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

export function sanitise(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: kTags,
    ALLOWED_ATTR: ["align", "class", "href", "start", "title"],
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
    // Not addresses, so the rule for addresses must not drop them.
    ADD_URI_SAFE_ATTR: ["align", "start"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
