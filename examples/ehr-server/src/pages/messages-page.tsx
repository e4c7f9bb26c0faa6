import type { DemoMessage } from '../accounts/demo-messages.ts';
import { Layout } from './layout.tsx';

export function MessagesPage({ messages }: { messages: readonly DemoMessage[] }) {
  return (
    <Layout title="Demo messages" visit={null}>
      <div class="heading">
        <h1>Demo messages</h1>
        <p class="muted">What a mail server and an SMS service would have been handed, newest first.</p>
      </div>
      {messages.length === 0 ? (
        <p>Nothing was sent since the server started.</p>
      ) : (
        <ul class="messages">
          {messages.map(({ channel, to, subject, text, at }, index) => (
            <li class="card" key={`${at.getTime()} ${index}`}>
              <h2>{subject ?? 'SMS'}</h2>
              <p class="muted">
                {channel === 'mail' ? 'Mail' : 'SMS'} to {to},{' '}
                <time datetime={at.toISOString()}>{`${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`}</time>
              </p>
              <p class="message">{text.trim()}</p>
            </li>
          ))}
        </ul>
      )}
      <p class="actions">
        <a class="button" href="/demo/messages">
          Look again
        </a>
        <a class="button" href="/">
          Schedule
        </a>
      </p>
    </Layout>
  );
}
