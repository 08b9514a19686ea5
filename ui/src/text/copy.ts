/** Puts text on the clipboard, also where the page is not a secure origin (http on a LAN). */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Handles a click inside painted markdown: copies the code block whose button was pressed. */
export async function copyCodeOf(event: Event): Promise<void> {
  const button = event.target instanceof Element ? event.target.closest(".code-copy") : null;
  const code = button?.closest(".code")?.querySelector("code");
  if (!button || !code) return;
  const copied = await copyText(code.textContent ?? "");
  button.textContent = copied ? "Copied" : "Not allowed";
  setTimeout(() => (button.textContent = "Copy"), 1600);
}

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "offscreen";
  area.setAttribute("readonly", "");
  document.body.append(area);
  const focused = document.activeElement;
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
