// Plays recordings in a real browser: `node listen.mjs PLAYWRIGHT_MODULES BASE TOKEN ID…`
// Prints one JSON line per recording: {id, error, duration_s, ended_s, seeked}.
import { createRequire } from 'node:module';

const [modules, base, token, ...ids] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)('playwright-core');

const browser = await chromium.launch({
  executablePath: process.env.EARWITNESS_TEST_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
try {
  const context = await browser.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
  const page = await context.newPage();
  await page.goto(`${base}/healthz`);
  for (const id of ids) {
    const played = await page.evaluate(async (source) => {
      const audio = document.createElement('audio');
      audio.muted = true;
      audio.src = source;
      document.documentElement.append(audio);
      const event = (name) => new Promise((resolve) => audio.addEventListener(name, () => resolve(name), { once: true }));
      const error = event('error');
      const result = { error: null, duration_s: null, ended_s: null, seeked: false };
      const step = async (name, start) => {
        const happened = event(name);
        await start();
        if (await Promise.race([happened, error]) === 'error') throw new Error(audio.error?.message || 'error');
      };
      try {
        await step('loadedmetadata', async () => audio.load());
        result.duration_s = Number.isFinite(audio.duration) ? audio.duration : null;
        await step('seeked', async () => { audio.currentTime = 0.5; });
        result.seeked = Math.abs(audio.currentTime - 0.5) < 0.2;
        audio.playbackRate = 8;
        await step('ended', () => audio.play());
        result.ended_s = audio.currentTime;
      } catch (cause) {
        result.error = String(cause.message ?? cause);
      }
      audio.remove();
      return result;
    }, `/v1/recordings/${id}/listen`);
    console.log(JSON.stringify({ id, ...played }));
  }
} finally {
  await browser.close();
}
