// Opens evidence reports in a real browser: `node report.mjs MODULES OUTPUT FILE…`
// Prints one JSON line per file: {file, pages, requests, violations, dark, messages}. Writes FILE.png and FILE.pdf to OUTPUT.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, output, ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: process.env.EARWITNESS_TEST_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const violations = async (page) => {
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`));
};
try {
  for (const file of files) {
    const page = await browser.newPage({ viewport: { width: 794, height: 1123 }, deviceScaleFactor: 1.5 });
    const [requests, messages] = [[], []];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => messages.push(message.text()));
    page.on('dialog', (dialog) => { messages.push('dialog'); dialog.dismiss(); });
    await page.goto(pathToFileURL(file).href);
    await page.evaluate(axe);
    const light = await violations(page);
    await page.screenshot({ path: join(output, `${basename(file)}.png`), fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await violations(page);
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    const inPrint = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.emulateMedia({ colorScheme: null, media: null });
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    writeFileSync(join(output, `${basename(file)}.pdf`), pdf);
    const pages = (pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g) ?? []).length;
    console.log(JSON.stringify({ file: basename(file), pages, requests: requests.length, violations: [...light, ...dark], inPrint, messages }));
    await page.close();
  }
} finally {
  await browser.close();
}
