// Sends a notebook that is dropped on the page, or chosen; without this script, the form itself sends it.
const form = document.querySelector("form.drop");
if (form) {
  start(form);
}

function start(form) {
  const input = form.querySelector("input[type=file]");
  form.querySelector(".drop-hint").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) {
      send(form, input.files[0]);
    }
  });
  // Anywhere on the page, since a browser would open a file that misses the zone.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || form.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    const files = event.dataTransfer.files;
    if (files.length === 1) {
      input.files = files;
      send(form, files[0]);
    } else {
      refuse(form, "drop one file: your notebook.");
    }
  });
}

async function send(form, file) {
  const [button, sending] = [form.querySelector("button"), form.querySelector(".sending")];
  if (button.disabled) {
    return;
  }
  form.querySelector(".problem").hidden = true;
  button.disabled = true;
  sending.textContent = `Sending ${file.name} …`;
  const headers = { "Content-Type": "application/x-ipynb+json" };
  const answer = await fetch(form.dataset.to, { method: "POST", headers, body: file }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (answer?.ok && body?.id) {
    location.assign(`${form.dataset.root}attempts/${encodeURIComponent(body.id)}`);
    return;
  }
  refuse(form, body?.detail ?? "the server does not answer: nothing was accepted, try again.");
}

function refuse(form, sentence) {
  const problem = form.querySelector(".problem");
  form.querySelector("button").disabled = false;
  form.querySelector(".sending").textContent = "";
  problem.textContent = sentence[0].toUpperCase() + sentence.slice(1);
  problem.hidden = false;
}
