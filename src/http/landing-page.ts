/** What a browser sees in development: a query box, with everything in the page itself. */
export const LANDING_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Teddyhub</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  textarea, input { font: 14px/1.4 monospace; width: 100%; box-sizing: border-box; }
  pre { background: #f4f4f4; padding: 1rem; overflow: auto; }
</style>
<h1>Teddyhub</h1>
<p>The API answers at <code>/graphql</code> (queries and mutations over HTTP, subscriptions over graphql-transport-ws),
published sets at <code>/v1/distilled-sets/</code>, its health at <code>/livez</code> and <code>/readyz</code>.</p>
<form>
  <p><label>API key <input name="key" type="password" autocomplete="off" required></label></p>
  <p><label>Query <textarea name="query" rows="12">{
  viewer { projectName role }
  distillationRuns(first: 10) {
    nodes { id name state progress { fraction } distilledSet { uuid state } }
  }
  workers(first: 10) { nodes { name device state alive } }
}</textarea></label></p>
  <p><button>Send</button></p>
</form>
<pre aria-live="polite"></pre>
<script>
  document.forms[0].addEventListener('submit', async (event) => {
    event.preventDefault();
    const { key, query } = Object.fromEntries(new FormData(event.target));
    const [button, output] = [document.querySelector('button'), document.querySelector('pre')];
    button.disabled = true;
    output.textContent = '';
    try {
      const answer = await fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer ' + key },
        body: JSON.stringify({ query }),
      });
      output.textContent = JSON.stringify(await answer.json(), null, 2);
    } catch (error) {
      output.textContent = 'The service does not answer: ' + error.message;
    }
    button.disabled = false;
  });
</script>
</html>
`;
