// Drives /usr/bin/chromium over its pipe, in the DevTools protocol: enough for screenshots and checks, without a package.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function startBrowser(executable = process.env.CAIRN_CHROMIUM ?? '/usr/bin/chromium') {
  const profile = await mkdtemp(join(tmpdir(), 'cairn-chromium-'));
  const child = spawn(
    executable,
    ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run', '--remote-debugging-pipe', '--hide-scrollbars', `--user-data-dir=${profile}`],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const waiting = new Map();
  const listeners = new Set();
  let count = 0;
  let rest = '';
  child.stdio[4].setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const message of messages.map((m) => JSON.parse(m))) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (!call) listeners.forEach((listen) => listen(message));
      else if (message.error) call.reject(new Error(`${call.method}: ${message.error.message}`));
      else call.resolve(message.result);
    }
  });
  child.on('exit', () => waiting.forEach(({ reject }) => reject(new Error('the browser ended'))));
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject, method });
      child.stdio[3].write(JSON.stringify({ id: count, method, params, sessionId }) + '\0');
    });

  return {
    /** Opens a tab with a cookie jar of its own. Its "problems" are errors, violations of the policy and failed loads. */
    async newPage() {
      const { browserContextId } = await send('Target.createBrowserContext');
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const call = (method, params) => send(method, params, sessionId);
      const problems = [];
      listeners.add((message) => {
        if (message.sessionId !== sessionId) return;
        if (message.method === 'Runtime.exceptionThrown') problems.push(message.params.exceptionDetails.exception?.description ?? message.params.exceptionDetails.text);
        if (message.method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(message.params.type)) {
          problems.push(message.params.args.map((arg) => arg.value ?? arg.description).join(' '));
        }
        if (message.method === 'Log.entryAdded' && message.params.entry.level !== 'info' && message.params.entry.level !== 'verbose') problems.push(message.params.entry.text);
        if (message.method === 'Page.javascriptDialogOpening') {
          problems.push(`dialog: ${message.params.message}`);
          void call('Page.handleJavaScriptDialog', { accept: false });
        }
      });
      await Promise.all(['Page.enable', 'Runtime.enable', 'Log.enable'].map((method) => call(method)));
      const evaluate = async (expression) => {
        const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
        if (exceptionDetails) throw new Error(`${expression.slice(0, 80)}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
        return result.value;
      };
      const waitFor = async (expression, seconds = 10) => {
        const end = Date.now() + seconds * 1000;
        for (;;) {
          if (await evaluate(expression).catch(() => false)) return;
          if (Date.now() > end) throw new Error(`not within ${seconds} s: ${expression}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      return {
        problems,
        call,
        evaluate,
        waitFor,
        goto: (url) => call('Page.navigate', { url }),
        /** Waits until the page shows a text. */
        waitForText: (text, seconds) => waitFor(`document.body.innerText.includes(${JSON.stringify(text)})`, seconds),
        size: (width, height) => call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }),
        scheme: (value) => call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] }),
        async screenshot() {
          return Buffer.from((await call('Page.captureScreenshot', { format: 'png' })).data, 'base64');
        },
        close: () => send('Target.disposeBrowserContext', { browserContextId }),
      };
    },
    async close() {
      await send('Browser.close').catch(() => {});
      await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
