// SPDX-License-Identifier: Apache-2.0

package wire

// ExecuteRequest asks a kernel to run code.
type ExecuteRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// ExecuteReply answers an [ExecuteRequest]. Status is "ok", "error" or
// "aborted"; the last three fields belong to "error".
type ExecuteReply struct {
	Status         string   `json:"status"`
	ExecutionCount int      `json:"execution_count"`
	Name           string   `json:"ename,omitempty"`
	Value          string   `json:"evalue,omitempty"`
	Traceback      []string `json:"traceback,omitempty"`
}

// ExecuteInput repeats on iopub the code that a kernel starts to run.
type ExecuteInput struct {
	Code           string `json:"code"`
	ExecutionCount int    `json:"execution_count"`
}

// Status is a kernel's state: "starting", "busy" or "idle".
type Status struct {
	State string `json:"execution_state"`
}

// Stream is text written to standard output ("stdout") or error ("stderr").
type Stream struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Display is the content of display_data, update_display_data and
// execute_result: one thing to show, as a value per MIME type.
type Display struct {
	Data           map[string]any `json:"data"`
	Metadata       map[string]any `json:"metadata"`
	Transient      Transient      `json:"transient"`
	ExecutionCount int            `json:"execution_count,omitempty"` // execute_result only
}

// Transient is the part of a [Display] that is not saved.
type Transient struct {
	DisplayID string `json:"display_id,omitempty"` // what a later update refers to
}

// Error is an exception on iopub.
type Error struct {
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// ClearOutput removes a cell's outputs, at once or, if Wait, when the next
// output arrives.
type ClearOutput struct {
	Wait bool `json:"wait"`
}

// InputRequest is a kernel's question to the person at the front end.
type InputRequest struct {
	Prompt   string `json:"prompt"`
	Password bool   `json:"password"`
}

// KernelInfo is what a kernel says about itself.
type KernelInfo struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
}

// LanguageInfo describes a kernel's language; it is saved in a notebook.
type LanguageInfo struct {
	Name              string `json:"name"`
	Version           string `json:"version"`
	MIMEType          string `json:"mimetype"`
	FileExtension     string `json:"file_extension"`
	PygmentsLexer     string `json:"pygments_lexer"`
	CodeMirrorMode    any    `json:"codemirror_mode"` // a name, or a name with settings
	NBConvertExporter string `json:"nbconvert_exporter"`
}

// Shutdown asks a kernel to end, and is the content of its answer.
type Shutdown struct {
	Restart bool `json:"restart"`
}

// Empty is the content of messages that carry none.
type Empty struct{}
