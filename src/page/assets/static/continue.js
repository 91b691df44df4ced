// Presses the Continue button of a forwarding page. Served as a file, because inline scripts are forbidden.
document.getElementById("continue-form").submit();
