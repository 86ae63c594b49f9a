#!/bin/sh
# Starts the gateway, or with the word `egress` the SOCKS5 server of its second role. A certificate that comes in variables (TLS_CERTIFICATE_PEM, TLS_KEY_PEM) is put into files that
# nobody else may read, because the gateway names its certificate by path; the variables are gone before it starts.
set -eu
if [ "${1:-}" = egress ]; then
  shift
  exec python -m gateway.egress_proxy "$@"
fi
state="${POSTHORN_STATE:-/tmp/posthorn}"
umask 077
mkdir -p "$state"
if [ -n "${TLS_CERTIFICATE_PEM:-}" ] && [ -n "${TLS_KEY_PEM:-}" ]; then
  printf '%s\n' "$TLS_CERTIFICATE_PEM" > "$state/certificate.pem"
  printf '%s\n' "$TLS_KEY_PEM" > "$state/key.pem"
  export POSTHORN_TLS_CERTIFICATE="$state/certificate.pem" POSTHORN_TLS_KEY="$state/key.pem"
fi
unset TLS_CERTIFICATE_PEM TLS_KEY_PEM
exec python -m gateway "$@"
