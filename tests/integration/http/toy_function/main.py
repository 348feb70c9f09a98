"""The toy function as a deployment has it: loaded by functions-framework, one file."""

from frontdesk.http.process import process_services
from tests.support.toy import make_toy

toy = make_toy(process_services)
