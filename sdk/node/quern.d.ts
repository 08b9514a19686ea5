/** What went wrong; `code` is "not_found", "invalid_argument", "context_full", ... (quern.h has the list). */
export class QuernError extends Error {
  readonly code: string;
}

export interface LoadOptions {
  /** That one conversation may hold; 0: the model's own length, at most 8192. */
  contextTokens?: number;
  /** 0: the processors that this process may use. */
  threads?: number;
  /** Answers that are computed together. */
  maxRunning?: number;
  /** Of prompts that are kept for whoever begins alike; 0: none. */
  cacheTokens?: number;
  /** LoRA adapters (GGUF) that are added to the weights: a path, several, or paths with their scales. */
  lora?: string | readonly string[] | Readonly<Record<string, number>>;
}

/** A message in the words of OpenAI's API. */
export interface Message {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  content?: string | readonly { type: "text"; text: string }[] | null;
  name?: string;
  tool_calls?: readonly { id: string; type: "function"; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}
export type Prompt = string | readonly Message[];

/** How to sample and shape an answer. What is not given is the model's own default. */
export interface Options {
  maxTokens?: number;
  /** 0 to 2; 0 takes the likeliest token always. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repeatPenalty?: number;
  repeatLastN?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  stop?: string | readonly string[];
  logitBias?: Readonly<Record<string, number>>;
  timeoutMs?: number;
  /** GBNF, instead of responseFormat. */
  grammar?: string;
  /** {type: "json_schema", json_schema: {schema}}: the model can write nothing else. */
  responseFormat?: object;
  /** Cancels the answer; waiting for it then throws the signal's reason. */
  signal?: AbortSignal;
}
export interface ChatOptions extends Options {
  system?: string;
  enableThinking?: boolean;
  tools?: readonly object[];
  toolChoice?: "auto" | "none" | "required" | object;
  parallelToolCalls?: boolean;
}

export interface Reply {
  readonly text: string;
  readonly reasoning: string;
  /** `arguments` is JSON as text. */
  readonly toolCalls: readonly { id: string; name: string; arguments: string }[];
  readonly finishReason: "stop" | "length" | "tool_calls";
  readonly usage: { promptTokens: number; cachedTokens: number; completionTokens: number };
  readonly timings: { queueMs: number; prefillMs: number; decodeMs: number };
  /** The conversation until here, to go on from. */
  readonly messages: readonly Message[];
}

/** An answer on its way. One reader; leaving the loop cancels it. */
export interface Stream extends AsyncIterable<string> {
  /** The whole answer, once the stream is at its end. */
  readonly reply: Reply | undefined;
  whole(): Promise<Reply>;
  cancel(): void;
  close(): void;
}

export interface ModelInfo {
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly sizeBytes: number;
  readonly contextTokens: number;
  readonly embeddingLength: number;
  readonly vocabulary: number;
  /** The file has a chat template. */
  readonly chat: boolean;
  /** "sha256:..." or empty. */
  readonly digest: string;
  readonly created: number;
}

/** A loaded model. Answers that are under way together are computed together. */
export interface Model {
  readonly info: ModelInfo;
  readonly device: string;
  chat(prompt: Prompt, options?: ChatOptions): Promise<Reply>;
  stream(prompt: Prompt, options?: ChatOptions): Stream;
  complete(prompt: string, options?: Options): Stream;
  embed(text: string): Promise<Float32Array>;
  embed(texts: Iterable<string>): Promise<Float32Array[]>;
  tokenize(text: string, options?: { special?: boolean }): Int32Array;
  detokenize(tokens: ArrayLike<number> & Iterable<number>): string;
  countTokens(prompt: Prompt, options?: ChatOptions): number;
  close(): void;
}

/**
 * Loads a model into this process. `reference`: a name of the catalog ("smollm2-135m-instruct"), the path of a GGUF
 * file, "hub:OWNER/REPO[/FILE]", an https address, or a pack: a FILE.wasm or REGISTRY/NAME[:TAG][@DIGEST]. Weights that
 * are not here are downloaded and verified first, once for every program on this machine.
 */
export function load(reference: string | URL, options?: LoadOptions): Promise<Model>;
/** A model without weights, for tests of your own program: what the script says to a prompt that contains `when`. */
export function fake(script: readonly object[]): Promise<Model>;
export function version(): string;
