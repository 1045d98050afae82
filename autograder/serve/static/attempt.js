// Follows an attempt that waits: asks every half second at first, later less often, until it is graded.
const FIRST = 500, LONGEST = 5000, SLOWER = 1.15; // milliseconds; each wait is longer than the one before by a factor
const attempt = document.getElementById("attempt");
letTheKeyboardScroll();
if (!("final" in attempt.dataset)) {
  follow(FIRST);
}

async function follow(wait) {
  await new Promise((resolve) => setTimeout(resolve, wait));
  const answer = await fetch(attempt.dataset.api).catch(() => null);
  if (answer && [401, 403, 404].includes(answer.status)) {
    tell("This attempt cannot be followed any more: open the lab's page.", "");
    return;
  }
  const body = answer?.ok ? await answer.json().catch(() => null) : null;
  if (body && !["waiting", "grading"].includes(body.state)) {
    await finish(body, wait);
    return;
  }
  if (body) {
    tell(body.message, body.place === null ? "" : body.place === 1 ? " You are the next." : ` ${body.place - 1} before you.`);
  }
  follow(Math.min(LONGEST, Math.max(wait * SLOWER, 1000 * Number(answer?.headers.get("Retry-After") ?? 0))));
}

// Only what changes is written, because whatever is written is read aloud.
function tell(message, place) {
  for (const [name, text] of [["text", message], ["place", place]]) {
    const element = attempt.querySelector(`.message .${name}`);
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
}

// Exchanges what stands below the message for that of the finished page; the message stays, so that it is read aloud.
async function finish(body, wait) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const finished = page?.getElementById("attempt");
  if (!finished) {
    follow(Math.min(LONGEST, wait * SLOWER));
    return;
  }
  const message = attempt.querySelector(".message");
  const points = body.points === null ? "" : ` ${body.points} of ${body.out_of} points.`;
  message.className = finished.querySelector(".message").className;
  tell(`${body.message}${points}`, "");
  while (message.nextSibling) {
    message.nextSibling.remove();
  }
  const rest = finished.querySelector(".message");
  while (rest.nextSibling) {
    attempt.append(document.adoptNode(rest.nextSibling));
  }
  attempt.dataset.final = "";
  letTheKeyboardScroll();
}

// A card that is wider than a phone scrolls by itself; some browsers let only the mouse do that.
function letTheKeyboardScroll() {
  for (const card of attempt.querySelectorAll("section")) {
    if (card.scrollWidth > card.clientWidth) {
      card.tabIndex = 0;
    }
  }
}
