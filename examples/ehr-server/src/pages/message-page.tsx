import type { ComponentChildren } from 'preact';
import { Layout, type PageVisit } from './layout.tsx';

/** A page that says one thing: not found, not accepted, gone wrong. */
export function MessagePage(props: { title: string; visit: PageVisit | null; children: ComponentChildren }) {
  const { title, visit, children } = props;
  return (
    <Layout title={title} visit={visit}>
      <div class="narrow">
        <h1>{title}</h1>
        {children}
        <p class="actions">
          <a class="button" href="/">
            Schedule
          </a>
        </p>
      </div>
    </Layout>
  );
}
