// The page's own words. A conversation is a tree of messages: editing a question or asking for
// another answer adds a sibling, and nothing is ever overwritten.

export type MessageId = string;
export type ConversationId = string;

export type Role = "user" | "assistant";

/** `streaming` found in the store means that the page was closed while the answer came. */
export type MessageState = "done" | "streaming" | "stopped" | "failed";

export type FailureKind =
  | "unreachable"
  | "interrupted"
  | "unauthorized"
  | "context_full"
  | "overloaded"
  | "model_not_found"
  | "refused"
  | "server";

export interface Failure {
  readonly kind: FailureKind;
  /** What the server said, for people who want to know; may be empty. */
  readonly detail: string;
  /** Seconds to wait, when the server named them. */
  readonly retryAfter?: number;
}

/** What the last chunk of an answer tells about it. Every field may be missing on a foreign server. */
export interface Measures {
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly completionTokens?: number;
  readonly promptMs?: number;
  readonly predictedMs?: number;
  readonly tokensPerSecond?: number;
}

export interface Message {
  readonly id: MessageId;
  readonly conversation: ConversationId;
  /** `null` for the first message of the conversation and for its versions. */
  readonly parent: MessageId | null;
  readonly role: Role;
  readonly text: string;
  readonly reasoning?: string;
  /** Milliseconds since 1970. Siblings are ordered by it. */
  readonly created: number;
  readonly state: MessageState;
  readonly model?: string;
  /** `length`: the answer was cut because the token limit or the context was used up. */
  readonly finish?: string;
  readonly failure?: Failure;
  readonly measures?: Measures;
}

/** How tokens are drawn. An absent value leaves the choice to the server. */
export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly max_tokens?: number;
  readonly repeat_penalty?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
}

export interface Setup {
  /** Empty: the server's first model. */
  readonly model: string;
  readonly system: string;
  readonly sampling: Sampling;
}

export interface Conversation {
  readonly id: ConversationId;
  readonly title: string;
  /** True once the person named it: then the first question no longer does. */
  readonly named: boolean;
  readonly created: number;
  readonly updated: number;
  readonly setup: Setup;
  /** Which child is shown under a message ("" = under no message). */
  readonly chosen: Readonly<Record<string, MessageId>>;
}

export const emptySetup: Setup = { model: "", system: "", sampling: {} };
