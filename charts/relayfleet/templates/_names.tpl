{{- define "relayfleet.name" -}}
{{- /* Where it is cut, no dash or dot may stand at the end. */ -}}
{{- $release := regexReplaceAll "[-.]+$" (.Release.Name | trunc 40) "" }}
{{- if contains "relayfleet" .Release.Name }}{{ $release }}{{ else }}{{ printf "%s-relayfleet" $release }}{{ end }}
{{- end }}

{{- define "relayfleet.account" -}}
{{- .Values.serviceAccount.name | default (include "relayfleet.name" .) }}
{{- end }}

{{- /* Of objects that belong to no namespace: two releases of one name do not meet. */ -}}
{{- define "relayfleet.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "relayfleet.name" .) }}
{{- end }}

{{- /* Of its rights where it watches, by one name: two operators that watch a namespace set back what the other wrote, so Helm refuses the second. */ -}}
{{- define "relayfleet.watcher" -}}relayfleet-watcher{{- end }}

{{- define "relayfleet.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* The relays' NetworkPolicy lets pods with these reach their pages. */ -}}
{{- define "relayfleet.selector" -}}
app.kubernetes.io/name: relayfleet
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "relayfleet.labels" -}}
{{ include "relayfleet.selector" . }}
app.kubernetes.io/part-of: relayfleet
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- /* Versions may have a plus, and values of labels may not. */}}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
