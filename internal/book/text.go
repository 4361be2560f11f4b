package book

import (
	"fmt"
	"io/fs"
	"path"
)

// A text is the page of any other file: a test, a script, a license.
type text struct {
	path    string // in the repository
	content string
}

// addText adds the page of a file, unless the book has it.
func (b *Book) addText(name string) error {
	if b.pages[name+".html"] != nil {
		return nil
	}
	content, err := fs.ReadFile(b.files, name)
	if err != nil {
		return err
	}
	t := &text{name, string(content)}
	b.texts = append(b.texts, t)
	b.add(t)
	return nil
}

func (t *text) address() string { return t.path + ".html" }
func (t *text) title() string   { return path.Base(t.path) }

func (t *text) body(v *view) (string, error) {
	language := map[string]string{".go": "go", ".sh": "bash", ".py": "python"}[path.Ext(t.path)]
	button := `<button type="button" class="copy" hidden>Copy</button>`
	if v.bare {
		button = ""
	}
	return fmt.Sprintf(`<div class="prose"><h1>%s</h1>
<figure class="code go numbered"><figcaption><span class="label">%s</span>%s</figcaption><pre><code>%s</code></pre></figure>
</div>`, escape(t.title()), escape(t.path), button, numbered(language, t.path, t.content, v.id)), nil
}
