// Server-sent events, as the HTML standard's "event stream interpretation" reads them, for a body
// that arrives in pieces cut anywhere. Only `data` fields matter to this API.

/** More than any event of the API; a server that never ends a line is cut off here. */
const kMaxEventChars = 4 * 1024 * 1024;

export class SseParser {
  private buffer = "";
  private data: string[] = [];
  private size = 0;
  private sawCarriageReturn = false;
  private atStart = true;

  /** Takes the next piece of decoded text; returns the data of every event completed by it. */
  feed(piece: string): string[] {
    let text = piece;
    if (this.atStart && text !== "") {
      this.atStart = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    // "\r\n" may be cut in two: the "\n" then belongs to the line that is already over.
    if (this.sawCarriageReturn && text.startsWith("\n")) text = text.slice(1);
    if (piece !== "") this.sawCarriageReturn = piece.endsWith("\r");

    const lines = (this.buffer + text).split(/\r\n|\n|\r/);
    this.buffer = lines.pop() ?? "";
    if (this.buffer.length + this.size > kMaxEventChars) throw new RangeError("event too long");

    const events: string[] = [];
    for (const line of lines) this.takeLine(line, events);
    return events;
  }

  private takeLine(line: string, events: string[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
      this.size = 0;
      return;
    }
    if (line !== "data" && !line.startsWith("data:")) return;
    const value = line.slice("data:".length);
    this.data.push(value.startsWith(" ") ? value.slice(1) : value);
    this.size += value.length;
    if (this.size > kMaxEventChars) throw new RangeError("event too long");
  }
}
