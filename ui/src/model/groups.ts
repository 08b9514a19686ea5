import type { Conversation } from "./types";

export interface Group {
  readonly label: string;
  readonly members: readonly Conversation[];
}

/** Conversations, newest first, under headings that say how old they are; empty ones left out. */
export function groupByAge(conversations: readonly Conversation[], now: Date): Group[] {
  const startOf = (daysAgo: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime();
  const bounds: [string, number][] = [
    ["Today", startOf(0)],
    ["Yesterday", startOf(1)],
    ["Last 7 days", startOf(7)],
    ["Last 30 days", startOf(30)],
    ["Older", -Infinity],
  ];
  const groups = bounds.map(([label]) => ({ label, members: [] as Conversation[] }));
  for (const conversation of conversations) {
    const i = bounds.findIndex(([, start]) => conversation.updated >= start);
    groups[i]?.members.push(conversation);
  }
  return groups.filter((group) => group.members.length > 0);
}
