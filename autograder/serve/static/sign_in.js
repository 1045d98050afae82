// Signs in by a personal link. The token stands behind the #, so that no server logs it; it leaves the address at once.
const found = /qlab_[A-Za-z0-9_-]{43}/.exec(location.hash);
if (found) {
  history.replaceState(null, "", location.pathname);
  signIn(found[0]);
}

async function signIn(link) {
  const answer = await fetch("sign-in", { method: "POST", body: new URLSearchParams({ link }) }).catch(() => null);
  if (answer?.ok) {
    location.replace(location.pathname);
    return;
  }
  const problem = document.getElementById("problem");
  const text = (await answer?.json().catch(() => null))?.detail ?? "the server does not answer: try again.";
  if (problem === null) {
    location.replace(location.pathname);
    return;
  }
  problem.textContent = text[0].toUpperCase() + text.slice(1);
  problem.hidden = false;
}
