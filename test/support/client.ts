import { request } from 'node:http';
import { CookieJar } from './cookie-jar.ts';

export interface SentRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a form, with `Origin` and fetch metadata as a browser sends them, and our CSRF token if `csrf` was read. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as it stands; `headers` say what it is. */
  readonly body?: string;
  /** As a browser navigates. */
  readonly page?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws where it is none. */
  json(): Record<string, unknown>;
  /** The value of a hidden field on the page. */
  field(name: string): string;
}

/** A browser or a program with a cookie jar, talking to one server. Redirects are not followed: they are what is tested. */
export class Client {
  readonly baseUrl: string;
  readonly jar: CookieJar;

  constructor(baseUrl: string, jar: CookieJar = new CookieJar()) {
    this.baseUrl = baseUrl;
    this.jar = jar;
  }

  /** Another client with a copy of the cookies as they are now. */
  fork(): Client {
    return new Client(this.baseUrl, this.jar.copy());
  }

  get(path: string, sent: SentRequest = {}): Promise<Answer> {
    return this.send('GET', path, sent);
  }

  post(path: string, sent: SentRequest = {}): Promise<Answer> {
    return this.send('POST', path, sent);
  }

  async send(method: string, path: string, sent: SentRequest = {}): Promise<Answer> {
    const { origin } = new URL(this.baseUrl);
    const headers: Record<string, string> = { cookie: this.jar.header() };
    if (headers.cookie === '') delete headers.cookie;
    if (sent.page === true) {
      Object.assign(headers, {
        accept: 'text/html,application/xhtml+xml',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-site': 'same-origin',
      });
    }
    let { body } = sent;
    if (sent.json !== undefined) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(sent.json);
    } else if (sent.form !== undefined) {
      Object.assign(headers, { 'content-type': 'application/x-www-form-urlencoded', origin });
      body = new URLSearchParams(
        Object.entries(sent.form).flatMap(([name, value]) =>
          [value].flat().map((one): [string, string] => [name, one]),
        ),
      ).toString();
    }
    // Node frames the content of a DELETE only where it is told to.
    if (method === 'DELETE' && body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
    Object.assign(headers, sent.headers);
    const { status, headers: received, text } = await exchange(method, `${this.baseUrl}${path}`, headers, body);
    this.jar.take(received.getSetCookie());
    return {
      status,
      headers: received,
      text,
      json: () => JSON.parse(text) as Record<string, unknown>,
      field(name) {
        const input = text.match(new RegExp(`<input[^>]*name="${name}"[^>]*>`))?.[0];
        const value = input?.match(/value="([^"]*)"/)?.[1];
        if (value === undefined) throw new Error(`The page has no field ${name}.`);
        return value;
      },
    };
  }
}

/** Not `fetch`: that says `Sec-Fetch-Mode: cors` whatever it is told, and a browser that navigates does not. */
function exchange(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: string | undefined,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => {
        const received = new Headers();
        for (const [name, values] of Object.entries(response.headersDistinct)) {
          for (const value of values ?? []) received.append(name, value);
        }
        resolve({ status: response.statusCode ?? 0, headers: received, text });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
