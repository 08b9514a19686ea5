export const kComposerId = "question";

/** Brings the cursor to the message field, except where that would open a keyboard over the page. */
export function focusComposer(): void {
  if (hasTouchKeyboard()) return;
  requestAnimationFrame(() => document.getElementById(kComposerId)?.focus());
}

export function hasTouchKeyboard(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
