// Makes go-templates.json again: runs each of its templates over its data with Go's text/template and docker's
// functions, and writes what came out. `go run generate.go go-templates.json`; the test only reads the file.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"text/template"
)

func formatJSON(v any) string {
	buf := &bytes.Buffer{}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return strings.TrimSpace(buf.String())
}
func joinElements(elems any, sep string) (string, error) {
	if elems == nil {
		return "", nil
	}
	if ss, ok := elems.([]string); ok {
		return strings.Join(ss, sep), nil
	}
	switch rv := reflect.ValueOf(elems); rv.Kind() {
	case reflect.Array, reflect.Slice:
		var b strings.Builder
		for i := range rv.Len() {
			if i > 0 {
				b.WriteString(sep)
			}
			_, _ = fmt.Fprint(&b, rv.Index(i).Interface())
		}
		return b.String(), nil
	case reflect.Map:
		var out []string
		for _, k := range rv.MapKeys() {
			out = append(out, fmt.Sprint(rv.MapIndex(k).Interface()))
		}
		sort.Strings(out)
		return strings.Join(out, sep), nil
	default:
		return "", fmt.Errorf("expected slice, got %T", elems)
	}
}

func main() {
	funcs := template.FuncMap{
		"json": formatJSON, "split": strings.Split, "join": joinElements, "title": strings.Title,
		"lower": strings.ToLower, "upper": strings.ToUpper,
		"pad": func(s string, p, q int) string {
			if s == "" {
				return s
			}
			return strings.Repeat(" ", p) + s + strings.Repeat(" ", q)
		},
		"truncate": func(s string, n int) string {
			if len(s) < n {
				return s
			}
			return s[:n]
		},
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var file struct {
		About string              `json:"about"`
		Data  json.RawMessage     `json:"data"`
		Cases []map[string]string `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(file.Data, &v); err != nil {
		panic(err)
	}
	// whole numbers as ints, as docker's typed structs have them
	var fix func(any) any
	fix = func(x any) any {
		switch t := x.(type) {
		case map[string]any:
			for k, e := range t {
				t[k] = fix(e)
			}
			return t
		case []any:
			for i, e := range t {
				t[i] = fix(e)
			}
			return t
		case float64:
			if t == float64(int64(t)) {
				return int(t)
			}
			return t
		}
		return x
	}
	v = fix(v)
	for _, row := range file.Cases {
		src := row["template"]
		delete(row, "output")
		delete(row, "error")
		t, err := template.New("").Funcs(funcs).Parse(src)
		if err == nil {
			var b bytes.Buffer
			if err = t.Execute(&b, v); err == nil {
				row["output"] = b.String()
			}
		}
		if err != nil {
			row["error"] = err.Error()
		}
	}
	b := &bytes.Buffer{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	_ = e.Encode(file)
	if err := os.WriteFile(os.Args[1], b.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
