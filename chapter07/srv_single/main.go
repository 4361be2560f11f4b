// Srv_single answers Zen questions one conversation at a time: a client that
// comes while another is being served waits until that one has left.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_single.py
//
// What to notice: three calls make a server. Most of the time it waits, either
// in accept or in recv.
//
// What to try: connect two clients with telnet, and type a question only in the
// second.
package main

import "fopnp/chapter07/zen_utils"

func main() {
	address := zen_utils.ParseCommandLine("simple single-threaded server")
	listener := zen_utils.CreateSrvSocket(address)
	zen_utils.AcceptConnectionsForever(listener)
}
