const kMaxChars = 60;

/** A conversation is called by the first words of its first question. */
export function titleOf(question: string): string {
  const line = question.replace(/[#*_`>~]+/g, "").trim().split(/\n/, 1)[0]?.trim() ?? "";
  const text = line.replace(/\s+/g, " ");
  if (text === "") return "New chat";
  if (text.length <= kMaxChars) return text;
  const cut = text.slice(0, kMaxChars);
  const space = cut.lastIndexOf(" ");
  return `${space > kMaxChars / 2 ? cut.slice(0, space) : cut.replace(/[\ud800-\udbff]$/, "")}…`;
}
