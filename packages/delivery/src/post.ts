/** What another server answered. */
export interface PostReply {
  readonly status: number;
  /** At most {@link MOST_BYTES} of it. */
  readonly body: string;
}

/** More of an answer is not read. */
export const MOST_BYTES = 16_384;

/**
 * One POST. No redirect is followed: what was meant for one server is not sent to another. Rejects where there was no answer in
 * time; the rejection's message names neither address nor content.
 */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutSeconds: number,
): Promise<PostReply> {
  try {
    const reply = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
    return { status: reply.status, body: await readBounded(reply) };
  } catch (error) {
    throw new Error(`HTTP: ${reasonOf(error)}`);
  }
}

async function readBounded(reply: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  if (reply.body === null) return text;
  for await (const chunk of reply.body) {
    const part = (chunk as Uint8Array).subarray(0, MOST_BYTES - bytes);
    bytes += part.length;
    text += decoder.decode(part, { stream: true });
    // Leaving the loop lets go of the connection.
    if (bytes >= MOST_BYTES) break;
  }
  return text;
}

/** The code of what failed (`ECONNREFUSED`): messages repeat addresses. */
function reasonOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && /^[A-Z_\d]{3,60}$/.test(code)) return code;
    if (at.name === 'TimeoutError') return 'no answer in time';
  }
  return 'failed';
}
