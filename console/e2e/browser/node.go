package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Node is what has a role and a name on a page, or within another node. It is looked
// for each time that it is used, until it is there.
type Node struct {
	tab    *Tab
	parent *Node // nil for the page
	role   string
	name   *regexp.Regexp
	skip   int
}

// Get returns the node with a role of ARIA and a name, which is a regular expression for
// all of it.
func (t *Tab) Get(role, name string) *Node {
	return &Node{tab: t, role: role, name: regexp.MustCompile(`^(?:` + name + `)$`)}
}

// Get returns a node within this one.
func (n *Node) Get(role, name string) *Node {
	in := n.tab.Get(role, name)
	in.parent = n
	return in
}

// Nth returns the node that follows i others of the same role and name.
func (n *Node) Nth(i int) *Node {
	m := *n
	m.skip = i
	return &m
}

func (n *Node) String() string {
	s := fmt.Sprintf("%s %q", n.role, n.name.String()[4:len(n.name.String())-2])
	if n.skip > 0 {
		s += fmt.Sprintf(" (%d others before it)", n.skip)
	}
	if n.parent != nil {
		s += " in " + n.parent.String()
	}
	return s
}

// A found node is one of the accessibility tree.
type found struct {
	id    cdp.BackendNodeID
	name  string
	value string
	state map[string]string // properties such as disabled, checked, expanded
}

// all returns the nodes that there are now, in the order of the page.
func (n *Node) all(ctx context.Context) ([]found, error) {
	p := accessibility.QueryAXTreeParams{Role: n.role}
	if n.parent != nil {
		within, err := n.parent.all(ctx)
		if err != nil || len(within) <= n.parent.skip {
			return nil, err
		}
		p.BackendNodeID = within[n.parent.skip].id
	} else {
		r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
		if err != nil {
			return nil, err
		}
		p.ObjectID = r.Result.ObjectID
	}
	tree, err := chromedp.Call(ctx, accessibility.QueryAXTree, p)
	if err != nil {
		return nil, err
	}
	var nodes []found
	for _, a := range tree.Nodes {
		name := axText(a.Name)
		if a.Ignored || a.BackendDOMNodeID == 0 || !n.name.MatchString(name) {
			continue
		}
		f := found{id: a.BackendDOMNodeID, name: name, value: axText(a.Value), state: make(map[string]string)}
		for _, q := range a.Properties {
			f.state[string(q.Name)] = axText(q.Value)
		}
		nodes = append(nodes, f)
	}
	return nodes, nil
}

func axText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) == nil {
		return s
	}
	return string(v.Value)
}

// find waits for the node.
func (n *Node) find() (f found, err error) {
	err = n.tab.until(n.String(), func() (bool, error) {
		ctx, cancel := n.tab.within()
		defer cancel()
		nodes, err := n.all(ctx)
		if err != nil || len(nodes) <= n.skip {
			return false, err
		}
		f = nodes[n.skip]
		return true, nil
	})
	return f, err
}

// Wait waits until the node is there.
func (n *Node) Wait() error {
	_, err := n.find()
	return err
}

// Gone waits until the node is not there any more.
func (n *Node) Gone() error {
	return n.tab.until("no "+n.String(), func() (bool, error) {
		count, err := n.Count()
		return err == nil && count <= n.skip, err
	})
}

// Count is how many nodes of the role and name there are now.
func (n *Node) Count() (int, error) {
	ctx, cancel := n.tab.within()
	defer cancel()
	nodes, err := n.all(ctx)
	return len(nodes), err
}

// Names are those of all nodes that fit, now.
func (n *Node) Names() ([]string, error) {
	ctx, cancel := n.tab.within()
	defer cancel()
	nodes, err := n.all(ctx)
	var names []string
	for _, f := range nodes {
		names = append(names, f.name)
	}
	return names, err
}

// State is a property of the node: disabled, checked, expanded, selected, invalid, value.
func (n *Node) State(property string) (string, error) {
	f, err := n.find()
	if property == "value" {
		return f.value, err
	}
	return f.state[property], err
}

// WaitState waits until a property of the node has a value.
func (n *Node) WaitState(property, value string) error {
	return n.tab.until(n.String()+" is "+property+"="+value, func() (bool, error) {
		ctx, cancel := n.tab.within()
		defer cancel()
		nodes, err := n.all(ctx)
		if err != nil || len(nodes) <= n.skip {
			return false, err
		}
		f := nodes[n.skip]
		return f.state[property] == value || property == "value" && f.value == value, nil
	})
}

// Text is the node as it is read.
func (n *Node) Text() (text string, err error) {
	err = n.Call("function() { return this.innerText ?? this.textContent }", &text)
	return text, err
}

// Call calls a JavaScript function with the element as this.
func (n *Node) Call(function string, to any) error {
	f, err := n.find()
	if err != nil {
		return err
	}
	ctx, cancel := n.tab.within()
	defer cancel()
	return call(ctx, f.id, function, to)
}

func call(ctx context.Context, id cdp.BackendNodeID, function string, to any) error {
	o, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return err
	}
	r, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: o.Object.ObjectID, ReturnByValue: new(true), AwaitPromise: new(true), UserGesture: new(true)})
	if err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return errors.New(exceptionText(r.ExceptionDetails))
	}
	if to == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, to)
}

// aim brings an element into view and says where a pointer would hit it: nothing may lie
// over it, and it must stand still. Panels and headers that stay cover what is scrolled below
// them, so more than one place is tried.
const aim = `async function() {
	if (!this.isConnected || this.disabled || this.getAttribute('aria-disabled') === 'true') return {why: 'it is disabled or gone'};
	const box = () => this.getClientRects().length ? [...this.getClientRects()].reduce((a, b) => a.width * a.height >= b.width * b.height ? a : b) : undefined;
	const frames = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
	let why = '';
	for (const block of ['center', 'nearest', 'start', 'end']) {
		this.scrollIntoView({block, inline: 'nearest', behavior: 'instant'});
		const first = box();
		await frames();
		const b = box();
		if (!b || b.width === 0 || b.height === 0) return {why: 'it has no size'};
		if (first && (first.x !== b.x || first.y !== b.y)) return {why: 'it moves'};
		const x = b.x + b.width / 2, y = b.y + b.height / 2;
		const hit = document.elementFromPoint(x, y);
		const label = this.closest('label');
		if (hit && (this === hit || this.contains(hit) || (label && label.contains(hit)) || (this.labels && [...this.labels].some(l => l.contains(hit)))
			|| (hit.contains(this) && hit.childElementCount === 1))) return {x, y};
		why = hit ? 'it is behind ' + hit.outerHTML.slice(0, 200) : 'it is outside of the window';
	}
	return {why};
}`

// Click clicks the node, once it can be clicked.
func (n *Node) Click() error { return n.click(1) }

// DoubleClick clicks it twice.
func (n *Node) DoubleClick() error { return n.click(2) }

func (n *Node) click(times int64) error {
	var at struct {
		X, Y float64
		Why  string
	}
	err := n.tab.until("click "+n.String(), func() (bool, error) {
		ctx, cancel := n.tab.within()
		defer cancel()
		nodes, err := n.all(ctx)
		if err != nil || len(nodes) <= n.skip {
			return false, err
		}
		at.Why = ""
		if err := call(ctx, nodes[n.skip].id, aim, &at); err != nil {
			return false, err
		}
		if at.Why != "" {
			return false, errors.New(at.Why)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	ctx, cancel := n.tab.within()
	defer cancel()
	for _, p := range []input.DispatchMouseEventParams{{Type: "mouseMoved"}, {Type: "mousePressed", Button: "left", Buttons: 1}, {Type: "mouseReleased", Button: "left"}} {
		p.X, p.Y = at.X, at.Y
		if p.Button != "" {
			p.ClickCount = times
		}
		if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, p); err != nil {
			return fmt.Errorf("click %s: %w", n, err)
		}
	}
	return nil
}

// Focus puts the keyboard's focus on the node.
func (n *Node) Focus() error { return n.Call("function() { this.focus() }", nil) }

// Fill puts a text into a field, in place of what it has.
func (n *Node) Fill(text string) error {
	if err := n.Call("function() { this.focus(); this.select?.() }", nil); err != nil {
		return err
	}
	if text == "" {
		return n.tab.Press("\b")
	}
	return n.tab.Insert(text)
}
