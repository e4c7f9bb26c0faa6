import type { Answer, Client } from './client.ts';

/** A form of a page, as a browser reads it. */
export interface PageForm {
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const decoded = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '');

/** The forms of a page with their hidden fields, in order. */
export function formsOf(html: string): PageForm[] {
  return [...html.matchAll(/<form\b((?:\s+[^\s=>"/]+(?:="[^"]*")?)*)\s*>([\s\S]*?)<\/form>/g)].map(
    ([, attributes = '', content = '']) => ({
      action: decoded(/\saction="([^"]*)"/.exec(attributes)?.[1] ?? ''),
      fields: [...content.matchAll(/<input type="hidden" name="([^"]*)" value(?:="([^"]*)")?/g)].map(
        ([, name = '', value = '']) => [decoded(name), decoded(value)] as const,
      ),
    }),
  );
}

/** The form that is posted to an address which begins so. Throws where the page has none, or several that differ. */
export function formTo(html: string, action: string): PageForm {
  const [form] = formsOf(html).filter((candidate) => candidate.action.startsWith(action));
  if (form === undefined) throw new Error(`The page has no form to ${action}: ${html.slice(0, 2000)}`);
  return form;
}

/** Sends a form as a browser does: fields in order, line ends as CR LF (HTML §4.10.22.4), origin and fetch metadata. */
export function sendForm(
  client: Client,
  { action, fields }: PageForm,
  typed: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const left = fields.filter(([name]) => !Object.hasOwn(typed, name));
  const all = [...left, ...Object.entries(typed)].map(([name, value]) => [name, value.replace(/\r\n?|\n/g, '\r\n')]);
  return client.post(action, {
    page: true,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: new URL(client.baseUrl).origin,
      ...headers,
    },
    body: new URLSearchParams(all).toString(),
  });
}
