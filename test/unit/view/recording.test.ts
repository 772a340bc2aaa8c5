import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selfContained } from '../../../src/view/page-files.js';
import { escaped } from '../../../src/view/recording.js';

test('data cannot end the script that it is in, and is the same afterwards', () => {
  const data = { name: '</script><!--<script>alert(1)</script>\u2028&' };
  const text = escaped(JSON.stringify(data));
  assert.doesNotMatch(text, /[<>&\u2028]/);
  assert.deepEqual(JSON.parse(text), data);
});

test('a page in one file loads nothing, and says what may run in it', () => {
  const html = `<meta charset="utf-8">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</body>
</html>
`;
  const page = selfContained({ html, style: 'p { color: red }', script: 'run("$&")' });
  assert.doesNotMatch(page, /page\.css|page\.js|<\/body>/);
  assert.match(page, /<style>p \{ color: red \}<\/style>\n<script>run\("\$&"\)<\/script>/);
  assert.match(page, /script-src 'sha256-[\w+/]{43}='; style-src 'sha256-/);
  assert.ok(page.endsWith('<script type="application/json" id="recording">\n'));
});
