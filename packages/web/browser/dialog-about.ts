import type { ChallengeDescription } from './challenge-client.ts';
import type { DialogLanguage } from './dialog-language.ts';
import { element } from './element.ts';

/** What the person confirms, so that they can tell it is their own request; a signed operation to the letter. */
export function dialogAbout(description: ChallengeDescription, { words, count, list }: DialogLanguage): Node[] {
  const { action, categoryNames, patientLabel, summary } = description;
  const about: Node[] = [element('p', {}, textFor(words.actions, action) ?? words.actions.other ?? '')];
  const facts: [string, string][] = [];
  if (patientLabel) facts.push([words.patient, patientLabel]);
  if (categoryNames.length > 0) facts.push([count(words.categories, categoryNames.length), list(categoryNames)]);
  if (facts.length > 0) about.push(factList(facts));
  if (summary) {
    about.push(element('p', {}, words.signing), element('h3', {}, summary.title));
    if (summary.lines.length > 0) about.push(factList(summary.lines.map(({ label, value }) => [label, value])));
  }
  return about;
}

function factList(facts: readonly (readonly [string, string])[]): HTMLElement {
  const rows = facts.map(([label, value]) => element('div', {}, element('dt', {}, label), element('dd', {}, value)));
  return element('dl', { class: 'facts' }, ...rows);
}

/** A table's text for a key that comes from the server; keys of the prototype are not found. */
export const textFor = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
