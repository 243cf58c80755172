// What a page does with passkeys: it builds each statement itself, and hands the browser its digest as the challenge.
() => {
  const base64url = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  // RFC 8785 for what stands in statements: ASCII, integers, null, and lists of strings that are sorted already
  const canonical = statement => JSON.stringify(statement, Object.keys(statement).sort())
  const sha256 = bytes => crypto.subtle.digest('SHA-256', bytes)

  window.token = null
  window.ask = async (method, path, body) => {
    const headers = {'content-type': 'application/json', 'idempotency-key': crypto.randomUUID()}
    if (window.token) headers.authorization = `Bearer ${window.token}`
    const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body)})
    return {status: answer.status, body: await answer.json()}
  }
  window.make = async options => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
    const credential = await navigator.credentials.create({publicKey})
    const digest = new Uint8Array(await sha256(credential.response.getPublicKey())).slice(0, 16)
    const hex = [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('')
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return {id, credential: credential.toJSON()}
  }
  window.prove = async (statement, options) => {
    const challenge = base64url(await sha256(new TextEncoder().encode(canonical(statement))))
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({...options, challenge})
    const credential = await navigator.credentials.get({publicKey})
    return {type: 'passkey', credential: credential.toJSON()}
  }
  window.signIn = async () => {
    const {body: {nonce, passkey}} = await window.ask('POST', '/v1/challenges', {purpose: 'sign_in'})
    const proof = await window.prove({version: 1, purpose: 'sign_in', device_id: null, nonce}, passkey)
    const answer = await window.ask('POST', '/v1/sessions', {nonce, proof})
    if (answer.status === 201) window.token = answer.body.session.access_token
    return answer
  }
  window.confirm = async merge => {
    const {body: {nonce, passkey}} = await window.ask('POST', '/v1/challenges', {purpose: 'merge', subject_id: merge.id})
    const plan_digest = merge.plan_digest, acknowledged = merge.plan.to_acknowledge
    const statement = {version: 1, purpose: 'merge', device_id: null, merge_id: merge.id, plan_digest, acknowledged, nonce}
    const proof = await window.prove(statement, passkey)
    return window.ask('POST', `/v1/merges/${merge.id}/confirmation`, {plan_digest, acknowledged, nonce, proof})
  }
}
