import { demoPassword } from './accounts/demo-accounts.ts';
import { createEhr } from './ehr.ts';
import { EnvironmentError, readEnvironment } from './environment.ts';
import { serveExpress } from './server-express.ts';
import { serveFastify } from './server-fastify.ts';

try {
  const environment = await readEnvironment();
  const ehr = await createEhr(environment);
  const serve = environment.adapter === 'express' ? serveExpress : serveFastify;
  const server = await serve(ehr).catch(async (error: unknown) => {
    await ehr.close();
    throw error;
  });

  const stop = async () => {
    await server.close();
    await ehr.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);

  console.log(`Example EHR (${environment.adapter}) is ready at ${environment.publicUrl}`);
  if (ehr.demo !== null) {
    console.log(`Sign in as ${ehr.demoAccounts.map(({ username }) => username).join(', ')}; password: ${demoPassword}`);
    console.log(`Codes without a phone: ${environment.publicUrl}/demo/authenticator`);
    console.log(`Mails and SMS that were sent: ${environment.publicUrl}/demo/messages`);
  }
} catch (error) {
  console.error(error instanceof EnvironmentError ? error.message : error);
  process.exitCode = 1;
}
