"""The local stack: all of Posthorn on one machine, without Docker or an account, in one process tree.

`python -m infra.local` starts it in the foreground; `supervisor` says what runs and in which order. Nothing in this
package is ever deployed: the routes under `/_local`, the controlled clock and the switches exist here only.
"""
