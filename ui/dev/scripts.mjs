// What the mock answers, picked by the first word or words of the last question.

const kRainbow = `## Why the sky is blue

Sunlight looks white, but it is **all colours at once**. On its way through the air it meets molecules that are much smaller than its waves, and those scatter short waves far more than long ones:

| Colour | Wavelength | Scattered, relative to red |
| --- | ---: | ---: |
| Blue | 450 nm | 5.7× |
| Green | 530 nm | 3.0× |
| Red | 700 nm | 1.0× |

So blue light reaches your eye from every direction, and the sky glows with it.

### And the sunset?

1. The sun stands low, and its light crosses *much* more air.
2. Most of the blue is scattered out of the way before it arrives.
3. What is left is orange and red.

> Violet is scattered even more, but the sun sends less of it, and our eyes hardly see it.

You can read more in [Rayleigh's paper of 1871](https://example.org/rayleigh).`;

const kCode = `Here is a small program that counts the words in a file:

\`\`\`python
from collections import Counter
from pathlib import Path


def count_words(path: str, top: int = 10) -> list[tuple[str, int]]:
    """The most frequent words of a text file, with how often each occurs."""
    text = Path(path).read_text(encoding="utf-8").lower()
    words = (word.strip(".,;:!?\\"'()") for word in text.split())
    return Counter(word for word in words if word).most_common(top)


if __name__ == "__main__":
    for word, count in count_words("notes.txt"):
        print(f"{count:6} {word}")
\`\`\`

Run it with \`python3 count.py\`. Two things to know:

- \`Counter.most_common\` sorts for you, so the result is already in order.
- Punctuation is stripped from the *ends* of a word only; \`don't\` stays whole.`;

const kHostile = `<script>window.pwned = true</script> <img src="/v1/models" onerror="window.pwned = true">

[a link](javascript:window.pwned=true) ![picture](https://example.org/track.png)

<b onclick="window.pwned = true" style="position:fixed">bold</b>

\`\`\`html
<script>window.pwned = true</script>
\`\`\``;

const kLong = Array.from(
  { length: 60 },
  (_, i) => `Paragraph ${i + 1}. The mill turns, the grain is ground, and the flour is carried home.`,
).join("\n\n");

let turn = 0;

export function pickScript(body) {
  const questions = body.messages.filter((message) => message.role === "user");
  const question = questions.at(-1)?.content ?? "";
  const word = question.toLowerCase();
  if (question.startsWith("Your last answer was cut off")) return { text: " and this is the rest." };
  if (word.startsWith("echo")) return { text: `You said: ${question.slice(4).trim()}`, tokenMs: 1 };
  if (word.startsWith("count")) return { text: `This is answer number ${(turn += 1)}.`, tokenMs: 1 };
  if (word.startsWith("request")) return { text: `\`\`\`json\n${JSON.stringify(body, null, 1)}\n\`\`\``, tokenMs: 0 };
  if (word.startsWith("slow")) return { text: kLong, tokenMs: 15 };
  if (word.startsWith("long")) return { text: kLong, tokenMs: 1 };
  if (word.startsWith("think")) {
    return { reasoning: "The person wants to know something. Let me weigh it.\n\n- First\n- Second", text: "Forty-two." };
  }
  if (word.startsWith("hostile")) return { text: kHostile, tokenMs: 1 };
  if (word.startsWith("cut")) return { text: "This answer is cut", finish: "length", tokenMs: 1 };
  if (word.startsWith("drop before")) return { text: "", drop: "before" };
  if (word.startsWith("drop")) return { text: "This much had arrived", drop: "middle", tokenMs: 5 };
  if (word.startsWith("late error")) {
    return { text: "So far", lateError: { message: "The engine was lost.", code: "server_error" } };
  }
  if (word.startsWith("error")) return { error: errorOf(Number(word.split(" ")[1])) };
  if (word.includes("python") || word.includes("code")) return { text: kCode };
  return { text: kRainbow };
}

function errorOf(status) {
  const table = {
    400: {
      code: "context_length_exceeded",
      message: "The prompt has 9000 tokens; this model's context holds 2048.",
    },
    401: { code: "invalid_api_key", message: "No valid API key." },
    404: { code: "model_not_found", message: "There is no model of this name here." },
    422: { code: "invalid_value", message: "temperature must be at most 2." },
    429: { code: "rate_limit_exceeded", message: "The queue is full.", headers: { "Retry-After": "7" } },
    500: { code: "server_error", message: "The guest trapped." },
  };
  return { status, ...table[status] };
}
