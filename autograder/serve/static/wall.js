// Keeps the wall up to date: bars that stay are changed in place, so that nothing flickers.
const EVERY = 2000; // milliseconds
const wall = document.getElementById("wall");
const bars = wall.querySelector(".bars");
const example = document.getElementById("example");
update();

async function update() {
  await new Promise((resolve) => setTimeout(resolve, EVERY));
  const answer = document.hidden ? null : await fetch(wall.dataset.now).catch(() => null);
  const now = answer?.ok ? await answer.json().catch(() => null) : null;
  if (now) {
    show(now);
  }
  write(wall.querySelector(".stale"), now || document.hidden ? "" : "The server does not answer; these numbers are older.");
  update();
}

function show(now) {
  write(wall.querySelector(".handed-in"), now.handed_in);
  write(wall.querySelector(".students"), now.students);
  write(wall.querySelector(".waiting"), now.waiting ? `, ${now.waiting} wait${now.waiting === 1 ? "s" : ""}` : "");
  wall.querySelector(".none").hidden = now.bars.length > 0;
  const rows = now.bars.map((bar) => fill(rowOf(bar), bar, now.handed_in));
  for (const row of [...bars.children]) {
    if (!rows.includes(row)) {
      row.remove();
    }
  }
  rows.forEach((row, place) => bars.children[place] === row || bars.insertBefore(row, bars.children[place] ?? null));
}

function rowOf({ question, name }) {
  const same = (row) => row.dataset.question === question && row.dataset.name === name;
  return [...bars.children].find(same) ?? document.getElementById("bar").content.firstElementChild.cloneNode(true);
}

function fill(row, { question, name, count, has_example }, of) {
  Object.assign(row.dataset, { question, name });
  write(row.querySelector(".question"), question);
  write(row.querySelector(".name"), name);
  write(row.querySelector("strong"), count);
  write(row.querySelector(".of"), of);
  write(row.querySelector(".show .unseen"), ` of: ${name}`);
  row.querySelector(".fill").style.width = `${((100 * count) / (of || 1)).toFixed(2)}%`;
  row.querySelector(".show").href = `?${new URLSearchParams({ question, name })}`;
  row.querySelector(".show").hidden = !has_example;
  return row;
}

function write(element, text) {
  if (element.textContent !== String(text)) {
    element.textContent = text;
  }
}

wall.addEventListener("click", (event) => {
  const link = event.target.closest("a.show, a.close");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  if (link.className === "close") {
    example.hidden = true;
  } else {
    showExample(link.closest(".bar-row").dataset);
  }
});

async function showExample({ question, name }) {
  const answer = await fetch(`${wall.dataset.example}?${new URLSearchParams({ question, name })}`).catch(() => null);
  const body = await answer?.json().catch(() => null);
  write(example.querySelector(".title"), `${question} ${name}`);
  write(example.querySelector("pre"), body?.text ?? "");
  write(example.querySelector(".hint"), body?.hint ?? body?.detail ?? "The server does not answer.");
  example.hidden = false;
  example.querySelector(".close").focus();
}
