import type { Answer, Client } from './client.ts';
import { formTo, sendForm } from './page-form.ts';

/** What a browser would send of the settings page's form: names with their values, in order. */
export type FormFields = Readonly<Record<string, readonly string[]>>;

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const decoded = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '');
const attribute = (tag: string, name: string): string | null => {
  const found = new RegExp(`\\s${name}(?:="([^"]*)")?(?=[\\s/>])`).exec(tag);
  return found === null ? null : decoded(found[1] ?? '');
};

/** The successful controls of the form that holds the settings. */
export function settingsForm(html: string): FormFields {
  const form = /<form class="cs-form cs-form-settings"[\s\S]*?<\/form>/.exec(html)?.[0];
  if (form === undefined) throw new Error(`The page has no settings: ${html.slice(0, 2000)}`);
  const fields: Record<string, string[]> = {};
  const add = (name: string | null, value: string) => {
    if (name === null) return;
    fields[name] ??= [];
    fields[name].push(value);
  };
  for (const [tag, kind = ''] of form.matchAll(/<(input|select|textarea)\b[^>]*>/g)) {
    const at = form.indexOf(tag);
    const name = attribute(tag, 'name');
    if (kind === 'input') {
      const type = attribute(tag, 'type') ?? 'text';
      const boxed = type === 'checkbox' || type === 'radio';
      if (!boxed || attribute(tag, 'checked') !== null) add(name, attribute(tag, 'value') ?? (boxed ? 'on' : ''));
    } else if (kind === 'select') {
      const options = [...form.slice(at, form.indexOf('</select>', at)).matchAll(/<option\b[^>]*>/g)].map(
        ([one]) => one,
      );
      const chosen = options.find((one) => attribute(one, 'selected') !== null) ?? options[0] ?? '';
      add(name, attribute(chosen, 'value') ?? '');
    } else {
      add(name, decoded(form.slice(at + tag.length, form.indexOf('</textarea>', at))).replace(/^\n/, ''));
    }
  }
  return fields;
}

/** Sends the form of a settings page as it stands, but for what is typed; an empty list leaves a field out. */
export function sendSettingsForm(
  client: Client,
  page: Answer,
  typed: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<Answer> {
  const fields = Object.entries({ ...settingsForm(page.text), ...typed }).filter(([, value]) => value.length > 0);
  return client.post('/step-up/admin/settings', { page: true, form: Object.fromEntries(fields) });
}

/** The challenge that a refused form came back with. */
export const challengeIn = (asked: Answer): string =>
  formTo(asked.text, '/step-up/challenge/').action.replace(/^.*\/challenge\/([^/]+)\/.*$/, '$1');

/** Answers that challenge by a code, and sends the form again, as the buttons of the pages do. A refused code is returned. */
export async function answerAndResend(client: Client, asked: Answer, code: string): Promise<Answer> {
  const again = await sendForm(client, formTo(asked.text, '/step-up/challenge/'), { code });
  return again.status === 200 ? await sendForm(client, formTo(again.text, '/step-up/admin/settings')) : again;
}
