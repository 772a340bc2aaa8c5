import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { waitUntil } from './wait.js';

/** A parameter or a result of the protocol, https://chromedevtools.github.io/devtools-protocol. */
type Message = Record<string, unknown>;

interface Waiting {
  resolve(result: Message): void;
  reject(error: Error): void;
}

export interface PageOptions {
  /** Pixels; 1280 x 800 by default. */
  width?: number;
  height?: number;
  isDark?: boolean;
}

/**
 * Chromium without a screen, driven by its own pipe (descriptors 3 and 4), for which neither a port nor a package is needed.
 *
 *     const chromium = new Chromium();
 *     const page = await chromium.open('http://127.0.0.1:8000/');
 *     await page.until('document.title === "done"');
 *     await chromium.close();
 */
export class Chromium {
  readonly #profile = mkdtempSync(join(tmpdir(), 'foster-chromium-'));
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #partial = '';
  #last = 0;
  #errors = '';

  /** @param env its environment; its language is that of LANGUAGE */
  constructor(env: NodeJS.ProcessEnv = process.env) {
    const flags = [
      '--headless',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`,
      ...[
        '--no-first-run',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-extensions',
        '--no-sandbox',
      ],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--mute-audio'],
      ...['--no-zygote', '--disable-breakpad', '--force-color-profile=srgb', '--hide-scrollbars'],
    ];
    this.#child = spawn('chromium', flags, {
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text) => this.#read(text));
    (this.#child.stdio[3] as Writable).on('error', () => {}); // it has ended: the wait says so
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    this.#ended = new Promise((resolve) => {
      const fail = (why: string) => {
        for (const { reject } of this.#waiting.values())
          reject(new Error(`chromium ${why}\n${this.#errors}`));
        resolve();
      };
      this.#child.on('error', (error) => fail(`cannot be started: ${error.message}`));
      this.#child.on('close', () => fail('has ended'));
    });
  }

  /** Opens a page in a tab of its own, which hides the others: they draw nothing until it is closed. */
  async open(url: string, { width = 1280, height = 800, isDark = false }: PageOptions = {}): Promise<Page> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, String(sessionId), String(targetId));
    await page.call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const features = [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }];
    await page.call('Emulation.setEmulatedMedia', { features });
    await page.call('Page.enable');
    await page.call('Page.navigate', { url });
    await waitUntil(`${url} is loaded`, () =>
      page.value<boolean>(`document.readyState === 'complete' && location.href !== 'about:blank'`),
    );
    return page;
  }

  /** Calls a method of the protocol. @throws Error if that has failed */
  call(method: string, params: Message = {}, sessionId?: string): Promise<Message> {
    const id = ++this.#last;
    const message = JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      (this.#child.stdio[3] as Writable).write(`${message}\0`);
    });
  }

  /** Ends it, and removes its profile. */
  async close(): Promise<void> {
    try {
      process.kill(-(this.#child.pid ?? 0), 'SIGKILL'); // it and its helpers: nothing of it is kept
    } catch {
      // it has ended by itself
    }
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #read(text: string): void {
    const messages = (this.#partial + text).split('\0');
    this.#partial = messages.pop() ?? '';
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error !== undefined) waiting?.reject(new Error(`chromium: ${error.message}`));
      else waiting?.resolve(result);
    }
  }
}

/** Names of keys with their codes: https://www.w3.org/TR/uievents-key. */
const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};

export class Page {
  readonly #chromium: Chromium;
  readonly #session: string;
  readonly #target: string;

  constructor(chromium: Chromium, session: string, target: string) {
    this.#chromium = chromium;
    this.#session = session;
    this.#target = target;
  }

  call(method: string, params: Message = {}): Promise<Message> {
    return this.#chromium.call(method, params, this.#session);
  }

  /** The value of a JavaScript expression in the page; a promise is awaited. @throws Error if it throws */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined)
      throw new Error(`${expression}: ${JSON.stringify((exceptionDetails as Message).exception)}`);
    return (result as { value: T }).value;
  }

  /** Presses a key and releases it. */
  async press(key: string): Promise<void> {
    const event = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key] ?? 0 };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** What a screen reader gets: the role and the name of each node that it does not pass over. */
  async accessibility(): Promise<{ role: string; name: string }[]> {
    const { nodes } = await this.call('Accessibility.getFullAXTree');
    return (nodes as { ignored: boolean; role?: Message; name?: Message }[])
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => ({ role: String(role?.value), name: String(name?.value ?? '') }));
  }

  /** Closes the tab. */
  async close(): Promise<void> {
    await this.#chromium.call('Target.closeTarget', { targetId: this.#target });
  }

  /** A picture of the page, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }
}
