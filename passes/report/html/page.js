// The page's script: routes in the fragment (#/v/12 is a variable), filters over the table that the
// page came with, paths, and the source with its marks. The text of sources only ever
// becomes text nodes.
(function () {
'use strict';
const D = JSON.parse(document.getElementById('data').textContent);
const $ = (s, e) => (e || document).querySelector(s);
const $$ = (s, e) => Array.from((e || document).querySelectorAll(s));
const num = n => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

// el makes an element: attributes, then children (strings become text).
function el(tag, attrs, ...kids) {
  const e = document.createElement(tag);
  for (const k in attrs || {}) {
    if (attrs[k] === null || attrs[k] === undefined) continue;
    if (k === 'on') for (const ev in attrs.on) e.addEventListener(ev, attrs.on[ev]);
    else e.setAttribute(k, attrs[k]);
  }
  for (const kid of kids.flat()) if (kid !== null && kid !== undefined) e.append(kid);
  return e;
}

// ---- dark and light ---------------------------------------------------------

const root = document.documentElement;
function store(v) { try { if (v === undefined) return localStorage.getItem('saz-theme'); localStorage.setItem('saz-theme', v); } catch (e) { return null; } }
if (store()) root.dataset.theme = store();
$('#theme').addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  store(root.dataset.theme);
});

// ---- the table ----------------------------------------------------------------

const body = $('#vars tbody'), rows = $$('tr', body);
const filter = { text: '', verdicts: new Set(), only: '' };
let shown = rows.map(r => +r.dataset.i);

const onlyTests = {
  'persistent': () => true,
  'top-level': v => v.v !== 'unused',
  'updateable': v => v.v !== 'unused' && v.v !== 'read-only',
  'scratch': v => v.v === 'scratch',
  'packet': v => (v.i || []).includes('packet'),
  'log': v => (v.i || []).includes('log'),
};

for (const r of rows) r.hay = r.textContent.toLowerCase();

function apply() {
  const want = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  shown = [];
  for (const r of $$('tr', body)) {
    const v = D.vars[r.dataset.i];
    const ok = want.every(w => r.hay.includes(w)) && (!filter.verdicts.size || filter.verdicts.has(v.v)) && (!filter.only || onlyTests[filter.only](v));
    r.hidden = !ok;
    if (ok) shown.push(+r.dataset.i);
  }
  const all = rows.length;
  $('#shown').textContent = shown.length === all ? all + ' variables' : shown.length + ' of ' + all;
  $('#none').hidden = shown.length > 0;
  $('#clear').hidden = !(filter.text || filter.verdicts.size || filter.only);
  for (const c of $$('.chip')) c.setAttribute('aria-pressed', filter.verdicts.has(c.dataset.verdict));
  for (const c of $$('.card.pick')) c.setAttribute('aria-pressed', filter.only === c.dataset.only);
}

let order = { key: 'verdict', back: false };
function sort(key) {
  order = { key, back: order.key === key && !order.back };
  const of = {
    file: r => +r.dataset.i,
    name: r => D.vars[r.dataset.i].n.toLowerCase(),
    verdict: r => +r.dataset.rank,
    impacts: r => -(D.vars[r.dataset.i].i || []).length,
    size: r => -r.dataset.size,
  }[key];
  const list = rows.slice().sort((a, b) => { const x = of(a), y = of(b); return x < y ? -1 : x > y ? 1 : a.dataset.i - b.dataset.i; });
  if (order.back) list.reverse();
  body.append(...list);
  for (const b of $$('#vars th button')) b.parentNode.setAttribute('aria-sort', b.dataset.sort !== key ? 'none' : order.back ? 'descending' : 'ascending');
  apply();
}

$('#q').addEventListener('input', e => { filter.text = e.target.value; apply(); });
$('#q').addEventListener('keydown', e => { if (e.key === 'Enter' && shown.length) location.hash = '#/v/' + shown[0]; });
for (const c of $$('.chip')) c.addEventListener('click', () => {
  const w = c.dataset.verdict;
  if (!filter.verdicts.delete(w)) filter.verdicts.add(w);
  apply();
});
for (const c of $$('.card.pick')) {
  const press = () => { filter.only = filter.only === c.dataset.only ? '' : c.dataset.only; apply(); };
  c.addEventListener('click', press);
  c.addEventListener('keydown', e => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); press(); } });
}
$('#clear').addEventListener('click', () => { filter.text = $('#q').value = ''; filter.verdicts.clear(); filter.only = ''; apply(); $('#q').focus(); });
for (const b of $$('#vars th button')) b.addEventListener('click', () => sort(b.dataset.sort));
body.addEventListener('click', e => {
  const r = e.target.closest('tr');
  if (r && !e.target.closest('a') && !String(getSelection())) location.hash = '#/v/' + r.dataset.i;
});

// ---- paths --------------------------------------------------------------------

const lineCache = [];
function lines(f) {
  if (!lineCache[f]) lineCache[f] = (D.files[f].t || '').split('\n');
  return lineCache[f];
}
const where = (f, l) => D.files[f].n + ':' + l;

// stepsOf follows a path back from its last step: [file, line, column, text] each.
function stepsOf(last) {
  const out = [];
  for (let i = last; i >= 0; i = D.steps[i][0]) out.push(D.steps[i].slice(1));
  return out.reverse();
}

// path makes the list of steps of one reason.
function path(steps) {
  const list = el('ol', { class: 'path' });
  steps.forEach((s, i) => {
    const text = D.files[s[0]].t ? (lines(s[0])[s[1] - 1] || '').trim().replace(/\t/g, ' ') : '';
    list.append(el('li', null, el('button', { class: 'step', on: { click: e => choose(e.currentTarget, s[0], s[1], s[2], steps) } },
      el('span', { class: 'k' }, String(i + 1)),
      el('span', { class: 't' }, s[3]),
      el('span', { class: 'p' }, where(s[0], s[1])),
      text ? el('span', { class: 'e' }, text) : null)));
  });
  return list;
}

// choose marks a step and opens its line.
function choose(button, f, l, c, steps) {
  for (const b of $$('[aria-current="step"]')) b.removeAttribute('aria-current');
  open(f, l, c, steps);
  if (!button) return;
  button.setAttribute('aria-current', 'step');
  button.scrollIntoView({ block: 'nearest' });
  const under = button.getBoundingClientRect().bottom - src.getBoundingClientRect().top;
  if (!wide() && under > 0) scrollBy(0, under + 8); // the source comes up over the page
}

function site(name, text, f, l, c) {
  return el('button', { class: 'site', on: { click: e => choose(e.currentTarget, f, l, c) } },
    el('span', { class: 's' }, name), el('span', { class: 'x' }, text || ''), el('span', { class: 'p' }, where(f, l)));
}

// some shows a list's first items and a button for the others.
function some(box, items, make, first) {
  const put = list => list.forEach(x => box.append(make(x)));
  put(items.slice(0, first));
  if (items.length > first) {
    const more = el('button', { class: 'plain more' }, 'Show all ' + num(items.length));
    more.addEventListener('click', () => { more.remove(); put(items.slice(first)); });
    box.after(more);
  }
}

// ---- one variable ---------------------------------------------------------------

const titles = { 'top-level': 'It is used while packets are processed', 'updateable': 'Packets may update it', 'kept': 'It is kept from packet to packet', 'scratch': 'It carries nothing from packet to packet',
  'container': 'Its shape', 'flowspace': 'What it is keyed by', 'impacts packet': 'It affects packets that are sent', 'impacts log': 'It affects what is logged' };

function detail(i) {
  const v = D.vars[i], box = $('#detail');
  const at = shown.indexOf(i);
  const step = (d, name) => {
    const to = at < 0 ? undefined : shown[at + d];
    return el('button', { class: 'plain', disabled: to === undefined ? '' : null, 'aria-label': name + ' variable', on: { click: () => { location.hash = '#/v/' + to; } } }, d < 0 ? '‹ Previous' : 'Next ›');
  };
  const facts = el('dl', { class: 'facts' });
  const fact = (k, ...x) => facts.append(el('dt', null, k), ...x);
  const mono = s => el('dd', { class: 'mono' }, s);
  if (v.h) fact('Keyed by', mono(v.h.join(', ')));
  if (v.i) fact('Impacts', el('dd', null, v.i.map(x => x === 'packet' ? 'packets that are sent' : 'what is logged').join(', ')));
  if (v.ub || v.uf) {
    const dd = el('dd', null, v.ub === v.s && !v.uf ? 'all ' + num(v.s) + ' bytes of its own' : num(v.ub || 0) + ' of its ' + num(v.s) + ' bytes');
    const bar = v.ur && v.s > 1 && v.ub !== v.s;
    if (bar) dd.append(bytes(v));
    if (v.uf) {
      const names = el('span');
      names.style.font = '13px/1.55 var(--mono)';
      names.textContent = v.uf.slice(0, 10).join(', ');
      dd.append(bar ? '' : el('br'), names);
      if (v.uf.length > 10) {
        const b = el('button', { class: 'plain' }, 'and ' + (v.uf.length - 10) + ' more');
        b.addEventListener('click', () => { names.textContent = v.uf.join(', '); b.remove(); });
        dd.append(' ', b);
      }
    }
    fact('Updated part', dd);
  }
  for (const [k, s] of v.x || []) fact(k, mono(s));
  if (v.mg) {
    const by = {};
    for (const [f, op] of v.mg) (by[op] = by[op] || []).push(f || 'all of it');
    fact('Merged', el('dd', null, Object.keys(by).map(op => el('div', null, op === 'add' ? 'added: ' : op === 'replace' ? 'replaced: ' : op === 'manual' ? 'by hand: ' : op + ': ', el('code', null, by[op].slice(0, 8).join(', ') + (by[op].length > 8 ? ' and ' + (by[op].length - 8) + ' more' : ''))))));
  }
  const kids = [
    el('div', { class: 'crumbs' }, el('a', { href: '#/' }, '‹ All variables'), step(-1, 'Previous'), step(1, 'Next')),
    el('h1', { tabindex: '-1' }, v.n),
    el('p', { class: 'decl' }, v.t + ' · ' + v.k + ' · ' + num(v.s) + (v.s === 1 ? ' byte · ' : ' bytes · '),
      el('button', { class: 'at', on: { click: () => choose(null, v.f, v.l, v.c) } }, where(v.f, v.l))),
    el('p', { class: 'say' }, el('span', { class: 'tag v-' + v.v }, v.v), v.m[0].toUpperCase() + v.m.slice(1) + '.'),
  ];
  if (v.note) kids.push(el('p', { class: 'note' }, v.note));
  if (facts.children.length) kids.push(facts);
  if (v.d) {
    const d = el('div', { class: 'drawing', tabindex: '0', role: 'group', 'aria-label': 'Drawing' });
    d.innerHTML = v.d; // made by saz, all of it escaped
    kids.push(d);
  }
  box.replaceChildren(...kids);
  const rank = ['updateable', 'kept', 'flowspace', 'container', 'scratch', 'impacts packet', 'impacts log', 'top-level'];
  const reasons = (v.r || []).map(r => ({ v: r.v, s: stepsOf(r.s) })).sort((a, b) => rank.indexOf(a.v) - rank.indexOf(b.v));
  reasons.forEach((r, k) => {
    const d = el('details', { class: 'why', 'data-why': r.v }, el('summary', null, titles[r.v] || r.v, el('small', null, r.s.length + (r.s.length === 1 ? ' step' : ' steps'))), path(r.s));
    if (k === 0) d.open = true;
    box.append(d);
  });
  if (!reasons.length) box.append(el('p', { class: 'note' }, v.v === 'unused' ? 'No code that may run while a packet is processed uses it.' : 'There is no path to show.'));
  else if (v.v === 'read-only') box.append(el('p', { class: 'note' }, 'Nothing that may run while a packet is processed writes it, or what it reaches.'));
  const ups = D.updates.filter(u => D.sets[u.s].includes(i));
  if (ups.length) {
    box.append(el('h2', null, 'Updated at ', el('span', { class: 'n' }, num(ups.length)), ups.length === 1 ? ' place' : ' places'));
    const list = el('div', { class: 'sites' });
    box.append(list);
    some(list, ups, u => site(D.hows[u.h], u.t, u.f, u.l, u.c), 20);
  }
  document.title = v.n + ' in ' + D.program;
  const first = $('.step', box);
  if (wide()) {
    if (first) { const s = reasons[0].s; const last = s[s.length - 1]; choose($$('.step', box)[s.length - 1], last[0], last[1], last[2], s); }
    else open(v.f, v.l, v.c);
    $('#main').scrollTop = 0;
  }
}

// bytes draws which bytes of a variable are updated.
function bytes(v) {
  const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('class', 'bytes');
  svg.setAttribute('viewBox', '0 0 1000 10');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'Where in the variable the updated bytes are');
  for (const [lo, hi] of v.ur) {
    const r = document.createElementNS(ns, 'rect');
    r.setAttribute('x', (1000 * lo / v.s).toFixed(2));
    r.setAttribute('width', Math.max(3, 1000 * (hi - lo) / v.s).toFixed(2));
    r.setAttribute('height', '10');
    svg.append(r);
  }
  return svg;
}

// ---- packet code ------------------------------------------------------------------

let packetsMade = false;
function packets() {
  if (packetsMade) return;
  packetsMade = true;
  some($('#recv'), D.recv, s => site(s.n + ' in ' + s.p, s.t, s.f, s.l, s.c), 30);
  // A macro may log in several ways on one line: one entry a line.
  const outs = new Map();
  for (const s of D.out) {
    const k = s.f + ':' + s.l, o = outs.get(k);
    if (!o) outs.set(k, Object.assign({}, s));
    else if (!o.n.split(', ').includes(s.n)) o.n += ', ' + s.n;
  }
  some($('#out'), Array.from(outs.values()), s => site(s.n + ' in ' + s.p, s.t, s.f, s.l, s.c), 12);
  const procs = $('#procs');
  // The project's own first.
  const own = p => D.files[p.f].t ? 0 : 1;
  const all = D.procs.filter(p => p.p).sort((a, b) => own(a) - own(b));
  const entry = p => {
    const d = el('details', { class: 'why' }, el('summary', null, el('code', null, p.n), el('small', null, where(p.f, p.l))));
    d.addEventListener('toggle', () => { if (d.open && !$('.path', d)) d.append(path(stepsOf(p.y).concat([[p.f, p.l, 0, p.n + ' begins here']]))); });
    return d;
  };
  const list = w => {
    procs.replaceChildren();
    if (procs.nextElementSibling) procs.nextElementSibling.remove(); // the last list's "show all"
    some(procs, all.filter(p => p.n.toLowerCase().includes(w)), entry, 200);
  };
  list('');
  if (!all.length) $('#pq').hidden = true;
  $('#pq').addEventListener('input', e => list(e.target.value.toLowerCase()));
}

// ---- source -----------------------------------------------------------------------

const wide = () => innerWidth > 860;
const src = $('#source'), code = $('#code'), pick = $('#file');
D.files.forEach((f, i) => i >= 0 && f.t && pick.append(el('option', { value: i }, f.n)));
{
  const opts = $$('option', pick).sort((a, b) => a.textContent < b.textContent ? -1 : 1);
  pick.append(...opts);
}

// What is known of each line: built once.
const notes = D.files.map(() => new Map());
function note(f, l) {
  let n = notes[f].get(l);
  if (!n) notes[f].set(l, n = { u: [], r: [], o: [], d: [], k: [] });
  return n;
}
D.updates.forEach((u, i) => note(u.f, u.l).u.push(i));
D.recv.forEach((s, i) => note(s.f, s.l).r.push(i));
D.out.forEach((s, i) => note(s.f, s.l).o.push(i));
D.vars.forEach((v, i) => note(v.f, v.l).d.push(i));
D.marks.forEach((m, i) => note(m[0], m[1]).k.push(i));
const procsOf = D.files.map(() => []);
D.procs.forEach(p => procsOf[p.f].push(p));

let now = { f: -1 };

// open shows a line of a file; steps of a path that lie in the file get their numbers.
function open(f, l, c, steps) {
  $('#work').classList.add('two');
  src.hidden = false;
  if (now.f !== f) show(f);
  for (const e of $$('.hit, .on', code)) { e.classList.remove('hit', 'on'); $('.g', e).textContent = e.dataset.l; }
  for (const e of $$('.caret', code)) e.replaceWith(...e.childNodes);
  for (const e of $$('.info', code)) e.remove();
  (steps || []).forEach((s, i) => {
    if (s[0] !== f) return;
    const ln = lineAt(s[1]);
    if (ln && !ln.classList.contains('on')) { ln.classList.add('on'); $('.g', ln).prepend(el('b', null, String(i + 1))); }
  });
  const ln = lineAt(l);
  if (ln) {
    ln.classList.add('hit');
    if (c > 0) caret($('pre', ln), c - 1, f, l);
    // Chunks off the screen have an estimated height: ask twice.
    const middle = () => { code.scrollTop += ln.getBoundingClientRect().top - code.getBoundingClientRect().top - code.clientHeight / 3; };
    middle();
    requestAnimationFrame(middle);
    code.scrollLeft = 0;
  }
  now = { f, l, c };
  const p = procsOf[f].find(p => p.l <= l && l <= p.e);
  $('#proc').textContent = p ? p.n + (p.p ? '' : ' (no packet code)') : '';
}

const lineAt = l => code.querySelector('.ln[data-l="' + l + '"]');

// caret marks the word at a byte column of the line.
function caret(pre, col, f, l) {
  const text = lines(f)[l - 1] || '';
  const at = unit(text, col);
  const m = /^[A-Za-z_]\w*|^\d+|^[^\w\s]/.exec(text.slice(at));
  if (!m) return;
  let left = at;
  const walk = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    if (left >= n.length) { left -= n.length; continue; }
    const range = document.createRange();
    range.setStart(n, left);
    range.setEnd(n, Math.min(n.length, left + m[0].length));
    range.surroundContents(el('span', { class: 'caret' }));
    return;
  }
}

// unit converts a byte column into one of UTF-16.
function unit(text, col) {
  if (/^[\x00-\x7f]*$/.test(text)) return col;
  let b = 0, i = 0;
  for (const ch of text) {
    if (b >= col) break;
    const p = ch.codePointAt(0);
    b += p < 0x80 ? 1 : p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
    i += ch.length;
  }
  return i;
}

const KEY = new Set('auto break case const continue default do else enum extern for goto if inline register restrict return sizeof static struct switch typedef typeof union volatile while _Atomic _Bool _Static_assert _Thread_local __attribute__ __inline __extension__ asm __asm__'.split(' '));
const TYPE = new Set('void char short int long float double signed unsigned bool size_t ssize_t FILE uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t int64_t u_char u_short u_int u_long time_t'.split(' '));
const TOKEN = /\/\*[\s\S]*?(?:\*\/|(?![^]))|\/\/(?:\\\n|[^\n])*|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|^[ \t]*#[ \t]*\w+(?:[ \t]*<[^>\n]*>)?|[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|\n|[^\S\n]+|[^]/gm;

// colours splits a file into lines of [class, text] pieces.
function colours(text) {
  const out = [[]];
  for (const m of text.matchAll(TOKEN)) {
    const t = m[0], a = t[0];
    let c = '';
    if (t === '\n') { out.push([]); continue; }
    if (a === '/' && t.length > 1) c = 'hc';
    else if (a === '"' || a === "'") c = 'hs';
    else if (/^[ \t]*#/.test(t)) c = 'hp';
    else if (/[A-Za-z_]/.test(a)) c = KEY.has(t) ? 'hk' : TYPE.has(t) ? 'ht' : '';
    else if (/[.\d]/.test(a) && /\d/.test(t)) c = 'hn';
    const parts = t.split('\n');
    parts.forEach((p, i) => {
      if (i) out.push([]);
      const line = out[out.length - 1], last = line[line.length - 1];
      if (last && last[0] === c) last[1] += p;
      else if (p) line.push([c, p]);
    });
  }
  return out;
}

function show(f) {
  now = { f };
  pick.value = f;
  const file = D.files[f];
  if (!file.t) {
    code.replaceChildren(el('p', { class: 'nosource' }, file.n + ' is not in this page. ' + (file.w || '')));
    return;
  }
  const packet = new Set();
  for (const p of procsOf[f]) if (p.p) for (let l = p.l; l <= p.e; l++) packet.add(l);
  const all = document.createDocumentFragment();
  let chunk;
  const list = colours(file.t.replace(/\r/g, ''));
  if (list.length && !list[list.length - 1].length) list.pop();
  list.forEach((pieces, i) => {
    const l = i + 1;
    if (i % 200 === 0) {
      chunk = el('div', { class: 'chunk' });
      chunk.style.containIntrinsicSize = 'auto ' + 20 * Math.min(200, list.length - i) + 'px';
      all.append(chunk);
    }
    const pre = el('pre');
    for (const [c, t] of pieces) pre.append(c ? el('span', { class: c }, t) : t);
    const n = notes[f].get(l);
    let marks;
    if (n) {
      marks = el('button', { class: 'mm', 'aria-label': 'Line ' + l + ': ' + spoken(n), title: spoken(n), on: { click: e => info(e.currentTarget.parentNode, f, l) } });
      const put = (list, c, s) => { if (list.length) marks.append(el('span', { class: 'm ' + c }, s)); };
      put(n.r, 'mr', '▼'); put(n.u, 'mu', '●'); put(n.o, 'mo', '▲'); put(n.d, 'md', '◆');
      if (n.k.length) marks.append(el('span', { class: 'm mk' + (n.k.every(k => D.marks[k][3]) ? ' faint' : '') }, '✚'));
    } else marks = el('span', { class: 'mm' });
    chunk.append(el('div', { class: 'ln' + (packet.has(l) ? ' pk' : ''), 'data-l': l }, el('span', { class: 'g' }, String(l)), marks, pre));
  });
  code.replaceChildren(all);
  code.scrollTop = 0;
}

const few = (list, k) => list.slice(0, k).map(i => D.vars[i].n).join(', ') + (list.length > k ? ' and ' + (list.length - k) + ' more' : '');
const touched = n => Array.from(new Set(n.u.flatMap(i => D.sets[D.updates[i].s])));

function spoken(n) {
  const s = [];
  if (n.r.length) s.push('receives a packet');
  if (n.u.length) s.push('updates ' + few(touched(n), 3));
  if (n.o.length) s.push(Array.from(new Set(n.o.map(i => D.out[i].k))).join(' and ') + ' output');
  if (n.d.length) s.push('declares ' + few(n.d, 3));
  if (n.k.length) s.push(n.k.every(k => D.marks[k][3]) ? 'mark not needed' : 'mark');
  return s.join('; ');
}

// info says under a line what its marks mean.
function info(ln, f, l) {
  const old = $('.info', ln);
  for (const e of $$('.info', code)) e.remove();
  if (old) return;
  const n = notes[f].get(l);
  const links = list => {
    const span = el('span');
    list.forEach((i, k) => { if (k) span.append(', '); span.append(el('a', { href: '#/v/' + i }, D.vars[i].n), ' (' + D.vars[i].v + ')'); });
    return span;
  };
  const box = el('div', { class: 'info' });
  for (const i of n.r) box.append(el('p', null, 'Receives a packet: ' + D.recv[i].n + '.'));
  for (const i of n.u) box.append(el('p', null, 'Updates ', links(D.sets[D.updates[i].s]), ', by ' + D.hows[D.updates[i].h] + '.'));
  for (const i of n.o) box.append(el('p', null, (D.out[i].k === 'packet' ? 'Sends a packet: ' : 'Writes a log: ') + D.out[i].n + '.'));
  if (n.d.length) box.append(el('p', null, 'Declares ', links(n.d), '.'));
  const put = n.k.filter(k => !D.marks[k][3]).flatMap(k => D.sets[D.marks[k][2]]), not = n.k.filter(k => D.marks[k][3]).flatMap(k => D.sets[D.marks[k][2]]);
  if (put.length) box.append(el('p', null, 'The instrumented program announces here an update of ', links(put), '.'));
  if (not.length) box.append(el('p', null, 'No mark is needed for ', links(not), ': it has been set whenever this line is reached.'));
  ln.append(box);
}

pick.addEventListener('change', () => { open(+pick.value, 0, 0); code.scrollTop = 0; });
function close() { src.hidden = true; $('#work').classList.remove('two'); }
$('#close').addEventListener('click', close);
for (const b of $$('[data-go]')) b.addEventListener('click', () => { const [f, l, c] = b.dataset.go.split(':').map(Number); open(f, l, c); });

// ---- routes and keys ------------------------------------------------------------------

let listTop = 0;
function route() {
  const [page, a] = location.hash.replace(/^#\/?/, '').split('/');
  const name = page === 'v' && D.vars[a] ? 'detail' : { packets: 'packets', todo: 'todo', about: 'about' }[page] || 'list';
  if (!$('#list').hidden && name !== 'list') listTop = wide() ? $('#main').scrollTop : scrollY;
  for (const s of $$('.page')) s.hidden = s.id !== name;
  for (const l of $$('nav a')) {
    if (l.dataset.page === (name === 'detail' ? 'list' : name)) l.setAttribute('aria-current', 'page');
    else l.removeAttribute('aria-current');
  }
  close();
  document.title = D.program + ': state';
  if (name === 'detail') detail(+a);
  if (name === 'packets') packets();
  const top = name === 'list' ? listTop : 0;
  if (wide()) $('#main').scrollTop = top; else scrollTo(0, top);
  if (name === 'detail') $('#detail h1').focus({ preventScroll: true });
}
addEventListener('hashchange', route);

addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  if (e.key === 'Escape') {
    if (typing && e.target.value) return;
    if (!src.hidden && !wide()) close();
    else if (location.hash.length > 2) location.hash = '#/';
    return;
  }
  if (typing) return;
  const steps = $$('details[open] .step, .site').filter(b => b.offsetParent);
  const at = steps.findIndex(b => b.hasAttribute('aria-current'));
  const v = +((/^#\/v\/(\d+)/.exec(location.hash) || [])[1]);
  switch (e.key) {
  case '/': e.preventDefault(); if ($('#list').hidden) location.hash = '#/'; setTimeout(() => { $('#q').focus(); $('#q').select(); }); break;
  case 'n': if (steps[at + 1]) { steps[at + 1].click(); steps[at + 1].focus(); } break;
  case 'p': if (steps[at - 1]) { steps[at - 1].click(); steps[at - 1].focus(); } break;
  case 'j': case 'k': {
    if (isNaN(v)) { if (!$('#list').hidden && shown.length) location.hash = '#/v/' + shown[0]; break; }
    const to = shown[shown.indexOf(v) + (e.key === 'j' ? 1 : -1)];
    if (to !== undefined) location.hash = '#/v/' + to;
  }
  }
});

apply();
route();
})();
