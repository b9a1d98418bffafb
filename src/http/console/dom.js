// Elements, dialogs and messages. Nothing is ever parsed as HTML: what the server says gets into the page as text only.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// h('button', { type: 'button', onclick: f }, 'Text')
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function button(text, onclick, attributes) {
  return h('button', { type: 'button', onclick, ...attributes }, text);
}

let ids = 0;
export function newId() {
  return `id${(ids += 1)}`;
}

// A label and its control, which is an element.
export function field(text, control, attributes) {
  control.id ||= newId();
  return h('div', { class: 'field', ...attributes }, h('label', { for: control.id }, text), control);
}

export function options(values, now) {
  return values.map((value) => {
    const [name, text] = Array.isArray(value) ? value : [value, value];
    return h('option', { value: name, selected: name === now }, text);
  });
}

// A table whose headers are [text, class] or text.
export function table(caption, headers, rows) {
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption },
    h(
      'table',
      null,
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          headers.map((header) => {
            const [text, type] = Array.isArray(header) ? header : [header, null];
            return h('th', { scope: 'col', class: type }, text);
          }),
        ),
      ),
      h('tbody', null, rows),
    ),
  );
}

// Puts a table in the place of the one before it. What scrolls stays, and so does how far it was scrolled.
export function put(container, made) {
  const region = container.querySelector(':scope > .scroll');
  if (region) region.replaceChildren(...made.childNodes);
  else container.replaceChildren(made);
}

let toastTimer;
const TOAST_MS = 5000;

// Says it at the bottom of the page, and to a screen reader.
export function say(text, bad = false) {
  const toast = document.getElementById('toast');
  toast.textContent = text;
  toast.className = bad ? 'shown bad' : 'shown';
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.className = '';
  }, TOAST_MS);
}

// Runs what a person asked for; what goes wrong is said.
export async function attempt(what) {
  try {
    return await what();
  } catch (error) {
    say(error.message, true);
    return undefined;
  }
}

// A dialog with a form. `controls` by name; `submit` gets their values and may throw: the dialog then stays, with the
// reason. Resolves with whether it was submitted.
export function ask({ title, text, controls = {}, action, danger = false, submit = () => {} }) {
  return new Promise((resolve) => {
    const problem = h('p', { class: 'problem', role: 'alert' });
    const heading = h('h2', { id: newId() }, title);
    const go = h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, action);
    const leave = button('Cancel', () => dialog.close('cancel'));
    const form = h(
      'form',
      { method: 'dialog' },
      heading,
      text ? h('p', null, text) : null,
      Object.values(controls).map(([label, control]) => field(label, control)),
      problem,
      h('div', { class: 'actions' }, leave, go),
    );
    const dialog = h('dialog', { 'aria-labelledby': heading.id }, form);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      problem.textContent = '';
      go.disabled = true;
      try {
        await submit(
          Object.fromEntries(Object.entries(controls).map(([name, [, control]]) => [name, control.value])),
        );
        dialog.close('done');
      } catch (error) {
        problem.textContent = error.message;
      }
      go.disabled = false;
    });
    const opener = document.activeElement;
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (opener?.isConnected) opener.focus();
      resolve(dialog.returnValue === 'done');
    });
    document.body.append(dialog);
    dialog.showModal();
    // What cannot be undone is not what Enter does at once.
    if (danger) leave.focus();
  });
}
