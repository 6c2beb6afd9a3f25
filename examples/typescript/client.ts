// A client for `longterm serve`, in plain TypeScript: npx tsx client.ts http://127.0.0.1:8787 lt_…
// The key decides what may be reached; without one a server on this machine lets you in.

interface Memory {
  id: string;
  kind: string | null;
  content: unknown;
  revision: number;
}

interface Recalled {
  text: string;
  items: { kind: string; text: string; score: number }[];
}

class Memories {
  constructor(
    private readonly url: string,
    private readonly user: string,
    private readonly key?: string,
  ) {}

  record(messages: { role: string; content: string }[], thread?: string) {
    return this.send<{ recorded: number }>("POST", "record", { messages, thread });
  }

  add(content: string) {
    return this.send<Memory>("POST", "memories", { content });
  }

  edit(id: string, content: string) {
    return this.send<Memory>("PATCH", `memories/${encodeURIComponent(id)}`, { content });
  }

  recall(question: string, budget = 2000) {
    return this.send<Recalled>("POST", "recall", { question, budget });
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/v1/users/${encodeURIComponent(this.user)}/${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(this.key ? { authorization: `Bearer ${this.key}` } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) {
      const problem = (await answer.json()) as { title: string; detail?: string };
      throw new Error(`${answer.status} ${problem.title}: ${problem.detail ?? ""}`);
    }
    return (await answer.json()) as T;
  }
}

async function main(url: string, key?: string): Promise<void> {
  const ann = new Memories(url, "ann", key);
  await ann.record([{ role: "user", content: "My bike is a green Brompton." }], "monday");
  const diet = await ann.add("Ann is vegetarian.");
  const changed = await ann.edit(diet.id, "Ann is vegan.");
  const found = await ann.recall("What kind of bike does Ann ride?");
  console.log(JSON.stringify({ revision: changed.revision, items: found.items.map((one) => one.text) }));
}

const [url = "http://127.0.0.1:8787", key] = process.argv.slice(2);
main(url, key).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
