{{- define "octo-sts.name" -}}
{{- .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "octo-sts.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "octo-sts.selector" -}}
app.kubernetes.io/name: {{ include "octo-sts.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "octo-sts.labels" -}}
{{ include "octo-sts.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "octo-sts.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "octo-sts.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "octo-sts.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What no container of this chart may do. */}}
{{- define "octo-sts.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "octo-sts.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The Apps come from one place: a key and an id, a key management service, or a file. */}}
{{- define "octo-sts.checkApps" -}}
{{- $file := or .Values.app.configFile.secretName .Values.app.configFile.configMapName }}
{{- if and .Values.app.configFile.secretName .Values.app.configFile.configMapName }}
{{- fail "app.configFile: name a Secret or a ConfigMap, not both" }}
{{- end }}
{{- if and $file (or .Values.app.ids .Values.app.keySecret.name) }}
{{- fail "app: configFile names the Apps, so leave ids and keySecret empty" }}
{{- end }}
{{- if and (not $file) (not .Values.app.ids) }}
{{- fail "app: name the App in ids, or a file that does in configFile" }}
{{- end }}
{{- if and .Values.app.ids (not .Values.app.keySecret.name) (not (hasKey .Values.env "KMS_KEYS")) (not .Values.envFrom) (not .Values.extraEnv) }}
{{- fail "app: the key is missing: name its Secret in keySecret.name, or its key management service in env.KMS_KEYS" }}
{{- end }}
{{- end }}

{{/* A value as text. Numbers of YAML are floats: 12345678 must not become 1.2345678e+07. */}}
{{- define "octo-sts.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}
{{- int64 . | toString | quote }}
{{- else }}
{{- toString . | quote }}
{{- end }}
{{- end }}
