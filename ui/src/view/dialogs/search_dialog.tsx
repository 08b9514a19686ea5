import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Snippet, findWords, searchWords } from "../../model/search";
import { usePage } from "../../page";
import { SearchIcon } from "../icons";
import { useModal } from "../parts";

interface Result {
  readonly id: string;
  readonly title: string;
  readonly snippet?: Snippet;
}

const kMaxResults = 50;
const kTypingPauseMs = 120;

/** Search over titles and everything said; without a query, the latest conversations. */
export function SearchDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const listId = useId();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const results = useResults(query);
  useModal(dialog);
  useEffect(() => setAt(0), [results]);
  useEffect(() => {
    dialog.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const open = (result: Result | undefined): void => {
    if (!result) return;
    location.hash = `#/c/${result.id}`;
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) setAt(Math.min(Math.max(0, at + step), Math.max(0, results.length - 1)));
    else if (event.key === "Enter" && !event.isComposing) open(results[at]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      class="dialog search"
      aria-label="Search conversations"
      onMouseDown={(event) => event.target === dialog.current && onClose()}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-frame">
        <div class="search-field">
          <SearchIcon />
          <input
            type="text"
            role="combobox"
            aria-label="Search conversations"
            aria-expanded="true"
            aria-controls={listId}
            aria-autocomplete="list"
            {...(results.length > 0 ? { "aria-activedescendant": `${listId}-${at}` } : {})}
            placeholder="Search conversations"
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            autofocus
          />
          <kbd>Esc</kbd>
        </div>
        <ul id={listId} class="results" role="listbox" aria-label="Conversations">
          {results.map((result, i) => (
            <li
              key={result.id}
              id={`${listId}-${i}`}
              role="option"
              aria-selected={i === at}
              onMouseMove={() => setAt(i)}
              onClick={() => open(result)}
            >
              <span class="result-title">{result.title}</span>
              {result.snippet && (
                <span class="result-snippet">
                  {result.snippet.before}
                  <mark>{result.snippet.match}</mark>
                  {result.snippet.after}
                </span>
              )}
            </li>
          ))}
        </ul>
        <p class="no-results" role="status">
          {results.length === 0 ? (query.trim() === "" ? "No chats yet." : "Nothing found.") : ""}
        </p>
      </div>
    </dialog>
  );
}

function useResults(query: string): readonly Result[] {
  const { conversations } = usePage();
  const [results, setResults] = useState<readonly Result[]>([]);
  const all = conversations.all.value;
  useEffect(() => {
    let stale = false;
    const words = searchWords(query);
    const search = async (): Promise<void> => {
      const hits = await conversations.search(query);
      if (stale) return;
      const snippets = new Map(hits.map((hit) => [hit.conversation, hit.snippet]));
      const found = all.flatMap(({ id, title }): Result[] => {
        const snippet = snippets.get(id);
        if (snippet) return [{ id, title, snippet }];
        return words.length === 0 || findWords(title, words) ? [{ id, title }] : [];
      });
      setResults(found.slice(0, kMaxResults));
    };
    const timer = setTimeout(() => void search(), query === "" ? 0 : kTypingPauseMs);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [query, all, conversations]);
  return results;
}
