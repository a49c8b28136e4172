-- One server on loopback, where encryption is up to the client, without other
-- servers.
run_as_root = true
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
ssl = { key = "{{.Dir}}/key.pem"; certificate = "{{.Dir}}/cert.pem" }
plugin_paths = {}
interfaces = { "{{.Host}}" }
local_interfaces = { "{{.Host}}" }
component_interfaces = { "{{.Host}}" }
c2s_ports = { {{.XMPPPort}}{{if .Standard}}, 5222{{end}} }
c2s_direct_tls_ports = {}
component_ports = { {{.ComponentPort}} }
http_ports = { {{.WebSocketPort}} }
http_interfaces = { "{{.Host}}" }
https_ports = {}
{{with .Domains}}http_default_host = "{{index . 0}}"{{end}}
consider_websocket_secure = true
cross_domain_websocket = true
modules_enabled = { "roster", "saslauth", "tls", "disco", "posix", "ping", "version", "websocket" }
modules_disabled = { "s2s", "s2s_auth_certs"{{if not .Offline}}, "offline"{{end}} }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
log = { info = "*stdout" }
{{range .Domains}}
VirtualHost "{{.}}"
{{end}}
{{- range $domain, $secret := .Components}}
Component "{{$domain}}"
  component_secret = "{{$secret}}"
{{end}}
